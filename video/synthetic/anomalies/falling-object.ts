import type { AnomalyMoment } from '../moment.js';
import type { Rgb } from '../world.js';

const board: Rgb = [150, 95, 40];
const tape: Rgb = [230, 210, 150];

/** A taped box drops from above in two fifths of the time and lies in pieces for the rest. */
export function fallingObject({ canvas, layout, active, progress }: AnomalyMoment): void {
  if (!active) return;
  const { x, walkGround: ground, pieces } = layout;
  if (progress < 0.4) {
    const top = (progress / 0.4) * (ground + 6) - 13;
    canvas.rect(x - 7, top, 14, 13, board);
    canvas.rect(x - 1, top, 2, 13, tape);
    return;
  }
  for (const [across, down] of pieces) {
    canvas.rect(x + 1.3 * across - 3, ground - 1 + down / 2, 8, 6, board);
    canvas.rect(x + 1.3 * across, ground - 1 + down / 2, 2, 6, tape);
  }
}
