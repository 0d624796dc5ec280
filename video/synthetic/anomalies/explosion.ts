import type { AnomalyMoment } from '../moment.js';

/** While the blast is young it lights the whole picture: what to add to every channel. */
export function blastFlash(active: boolean, progress: number): number {
  return active && progress < 0.25 ? 45 : 0;
}

/** A bright ball that expands for half of the time, then smoke over an ember. */
export function explosion({ canvas, random, layout, glows, active, progress }: AnomalyMoment): void {
  if (!active) return;
  const { x, openGround } = layout;
  if (progress < 0.5) {
    glows.push(
      { x, y: openGround - 6, radius: 7 + 34 * progress, colour: [255, 170, 60], alpha: 0.9 },
      { x, y: openGround - 6, radius: 5 + 24 * progress, colour: [255, 245, 200], alpha: 1 },
    );
    return;
  }
  for (let puff = 0; puff < 6; puff++) {
    canvas.disc(x + random.uniform(-11, 11), openGround - 8 + random.uniform(-10, 6), 9, [75, 70, 68], 0.6);
  }
  glows.push({
    x: x + random.uniform(-4, 4),
    y: openGround - 5,
    radius: 13 * (1.2 - progress),
    colour: [255, 130, 30],
    alpha: 0.8,
  });
}
