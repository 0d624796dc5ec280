import type { AnomalyMoment } from '../moment.js';
import type { AnomalyKind } from '../programme.js';
import { explosion } from './explosion.js';
import { falling } from './falling.js';
import { fallingObject } from './falling-object.js';
import { fighting } from './fighting.js';
import { fire } from './fire.js';
import { roadObstacle } from './road-obstacle.js';
import { trafficAccident } from './traffic-accident.js';
import { wrongWayDriving } from './wrong-way-driving.js';

const acts: Record<AnomalyKind, (moment: AnomalyMoment) => void> = {
  Fire: fire,
  Explosion: explosion,
  Falling: falling,
  Fighting: fighting,
  'Wrong-Way Driving': wrongWayDriving,
  'Traffic Accidents': trafficAccident,
  'Falling Objects': fallingObject,
  'Obstacles on Road': roadObstacle,
};

/** Draws the anomaly's part of one frame, with those who take part in it before and after. */
export function drawAnomaly(moment: AnomalyMoment): void {
  acts[moment.anomaly.kind](moment);
}
