import type { AnomalyMoment } from '../moment.js';
import { drawCar } from '../sprites.js';
import { laneDirection, laneY, WORLD_WIDTH } from '../world.js';

/** A car crosses the picture against the direction of its lane. */
export function wrongWayDriving({ canvas, programme, layout, active, progress }: AnomalyMoment): void {
  if (!active) return;
  const facing = -laneDirection[programme.lane];
  const way = -8 + progress * (WORLD_WIDTH + 16);
  drawCar(canvas, facing > 0 ? way : WORLD_WIDTH - way, laneY[programme.lane], layout.colours[0], facing);
}
