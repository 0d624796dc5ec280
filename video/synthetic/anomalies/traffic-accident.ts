import { timeAway, type AnomalyMoment } from '../moment.js';
import { drawCar } from '../sprites.js';
import { laneDirection, laneY } from '../world.js';

/** Two cars collide in the middle of the road, stand under sparks and smoke, and are driven away. */
export function trafficAccident(moment: AnomalyMoment): void {
  const { canvas, random, layout, active } = moment;
  const { x, colours } = layout;
  const away = timeAway(moment);
  for (const lane of [0, 1] as const) {
    const direction = laneDirection[lane];
    const side = lane === 0 ? -1 : 1;
    drawCar(
      canvas,
      x - 7 * direction + direction * 150 * away,
      active ? 40 + 2 * side : laneY[lane],
      colours[lane],
      direction,
      { tilt: active ? side : 0 },
    );
  }
  if (!active) return;
  for (let spark = 0; spark < 6; spark++) {
    canvas.rect(x + random.uniform(-14, 14), 40 + random.uniform(-10, 8), 3, 3, [255, 225, 120]);
  }
  canvas.disc(x + random.uniform(-2, 2), 30 + random.uniform(-2, 2), 9, [185, 185, 185], 0.6);
}
