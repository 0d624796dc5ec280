import type { Region } from './regions.js';

export type Direction = 'left' | 'right' | 'up' | 'down' | 'still';

/** How a region moved since the frame before. */
export interface Motion {
  readonly direction: Direction;
  /** Picture widths per second; 0 when still. */
  readonly speed: number;
}

/** Shift, as a share of the width, that is no movement but the jitter of an outline. */
const STILL = 0.012;
/** The farthest that a region is looked for, as a share of the width. */
const REACH = 0.4;

/** How unlike two regions are: how far apart, how different in size and colour. Infinity beyond reach. */
function unlikeness(a: Region, b: Region, aspect: number): number {
  const distance = Math.hypot(a.x - b.x, (a.y - b.y) * aspect);
  if (distance > REACH) return Infinity;
  const size = Math.abs(Math.log(a.area / b.area));
  const colour =
    Math.abs(a.rgb[0] - b.rgb[0]) + Math.abs(a.rgb[1] - b.rgb[1]) + Math.abs(a.rgb[2] - b.rgb[2]);
  return distance + 0.15 * size + colour / 600;
}

/**
 * Matches the regions of two neighbouring frames, the most alike pairs first, and measures how each region of the later
 * one moved; null for a region that was not there before.
 *
 * @param aspect height over width of the picture
 */
export function trackRegions(
  before: readonly Region[],
  now: readonly Region[],
  aspect: number,
  seconds: number,
): (Motion | null)[] {
  const pairs: { from: number; to: number; cost: number }[] = [];
  for (const [from, a] of before.entries()) {
    for (const [to, b] of now.entries()) {
      const cost = unlikeness(a, b, aspect);
      if (cost < 0.6) pairs.push({ from, to, cost });
    }
  }
  pairs.sort((a, b) => a.cost - b.cost || a.to - b.to || a.from - b.from);
  const taken = new Set<number>();
  const motions: (Motion | null)[] = now.map(() => null);
  for (const { from, to } of pairs) {
    if (taken.has(from) || motions[to] !== null) continue;
    taken.add(from);
    const dx = now[to]!.x - before[from]!.x;
    const dy = (now[to]!.y - before[from]!.y) * aspect;
    const distance = Math.hypot(dx, dy);
    motions[to] =
      distance < STILL
        ? { direction: 'still', speed: 0 }
        : {
            direction: Math.abs(dx) >= Math.abs(dy) ? (dx < 0 ? 'left' : 'right') : dy < 0 ? 'up' : 'down',
            speed: distance / Math.max(seconds, 1e-3),
          };
  }
  return motions;
}
