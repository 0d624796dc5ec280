import type { AnomalyMoment } from '../moment.js';
import type { Rgb } from '../world.js';

const smoke: Rgb = [60, 58, 58];
const flames: readonly Rgb[] = [
  [255, 120, 20],
  [255, 200, 40],
  [230, 60, 10],
];

/** Flickering flames under grey smoke, growing in the first fifth and dying in the last tenth. */
export function fire({ canvas, random, layout, glows, active, progress }: AnomalyMoment): void {
  if (!active) return;
  const { x, openGround } = layout;
  const size = Math.min(1, progress / 0.2, (1 - progress) / 0.1 + 0.3);
  for (let puff = 0; puff < 3; puff++) {
    canvas.disc(
      x + random.uniform(-7, 7),
      openGround - 18 * size - random.uniform(0, 10),
      7 * size,
      smoke,
      0.6,
    );
  }
  for (let flame = 0; flame < 9; flame++) {
    glows.push({
      x: x + random.uniform(-9, 9) * size,
      y: openGround - random.uniform(0, 15) * size,
      radius: random.uniform(3.5, 6.5) * size,
      colour: random.choice(flames),
      alpha: 0.95,
    });
  }
}
