import { TerminalError } from '../core/errors.js';

/** Rounds halves to the even neighbour, as Python's round does. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

export interface SmartResizeOptions {
  /** Both sides become multiples of this: patch size times merge size, 28 in Qwen2.5-VL. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

const MOST_ASPECT = 200;

/**
 * The size at which Qwen2.5-VL looks at a picture: the aspect kept as well as multiples of `factor` allow, between
 * `minPixels` and `maxPixels` in area. After `smart_resize` of qwen-vl-utils, halves to even included. Throws a
 * {@link TerminalError} for an aspect above 200.
 */
export function smartResize(
  height: number,
  width: number,
  { factor, minPixels, maxPixels }: SmartResizeOptions,
): { height: number; width: number } {
  if (Math.max(height, width) / Math.min(height, width) > MOST_ASPECT) {
    throw new TerminalError(
      'video.extreme-aspect',
      `a picture of ${width} x ${height} is more than ${MOST_ASPECT} times as long as it is wide`,
    );
  }
  const nearest = (side: number): number => Math.max(factor, roundHalfEven(side / factor) * factor);
  const resized = { height: nearest(height), width: nearest(width) };
  const area = resized.height * resized.width;
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    const below = (side: number): number => Math.max(factor, Math.floor(side / shrink / factor) * factor);
    return { height: below(height), width: below(width) };
  }
  if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    const above = (side: number): number => Math.ceil((side * grow) / factor) * factor;
    return { height: above(height), width: above(width) };
  }
  return resized;
}
