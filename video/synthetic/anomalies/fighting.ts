import { timeAway, type AnomalyMoment } from '../moment.js';
import { drawPerson } from '../sprites.js';
import type { Rgb } from '../world.js';

const arms: Rgb = [235, 190, 155];

/** Two people meet, push and hit each other, and part again. */
export function fighting(moment: AnomalyMoment): void {
  const { canvas, random, layout, active, frame } = moment;
  const { x, walkGround: ground, colours } = layout;
  const apart = 50 * Math.abs(timeAway(moment));
  const jerk = (): number => (active ? random.uniform(-4, 4) : 0);
  const [a, b, c, d] = [jerk(), jerk(), jerk(), jerk()];
  drawPerson(canvas, x - 4 - apart + a, ground + b / 2, colours[0], 'walk', frame);
  drawPerson(canvas, x + 4 + apart + c, ground + d / 2, colours[1], 'walk', frame + 1);
  if (!active) return;
  canvas.rect(x - 8 + b, ground - 12 + a, 16, 2.6, arms);
  canvas.rect(x - 8 + d, ground - 8 + c, 16, 2.6, arms);
}
