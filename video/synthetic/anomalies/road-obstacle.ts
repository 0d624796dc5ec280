import type { AnomalyMoment } from '../moment.js';

/** A heap of striped debris lies in the lane until it is cleared. */
export function roadObstacle({ canvas, layout, active }: AnomalyMoment): void {
  if (!active) return;
  const { x, openGround, pieces } = layout;
  for (const [across, down] of pieces) {
    canvas.rect(x + 1.2 * across - 4, openGround - 8 + 0.6 * down, 9, 8, [190, 150, 40]);
    canvas.rect(x + 1.2 * across - 4, openGround - 6 + 0.6 * down, 9, 3, [30, 30, 30]);
  }
}
