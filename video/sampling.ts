import { TerminalError } from '../core/errors.js';

/**
 * `count` indices spread evenly over n frames, first and last included: round(linspace(0, n - 1, count)), halves to the
 * even neighbour as in NumPy. Indices repeat when count > n. One index is the first frame.
 */
export function uniformIndices(n: number, count: number): number[] {
  if (n < 1 || count < 1) {
    throw new TerminalError('video.nothing-to-sample', `cannot take ${count} frames from ${n}`);
  }
  return Array.from({ length: count }, (_, k) => {
    // One rounding of the exact quotient, so that no product of rounded steps decides about a half.
    const twice = count === 1 ? 0 : (2 * k * (n - 1)) / (count - 1);
    const low = Math.floor(twice / 2);
    const rest = twice - 2 * low;
    return rest > 1 || (rest === 1 && low % 2 === 1) ? low + 1 : low;
  });
}

/** The pool that verification takes its frames from: `count` uniform indices, each once. */
export function poolIndices(n: number, count: number): number[] {
  return [...new Set(uniformIndices(n, count))];
}

/**
 * Frames that the caption teacher sees: every `every`-th, or a multiple of that where more than `most` frames would come
 * out of it.
 */
export function teacherIndices(n: number, { every, most }: { every: number; most: number }): number[] {
  const step = every * Math.ceil(n / (every * most));
  return Array.from({ length: Math.ceil(n / step) }, (_, k) => k * step);
}

/** A part of the video as fractions of its frames, start included, end excluded. */
export type CutSpan = readonly [start: number, end: number];

/**
 * The pool without the frames that lie in one of the spans. A frame lies in a span if start <= index / n < end; the end
 * of a span that reaches 1 takes the last frame with it, since every index / n is below 1.
 */
export function remainingIndices(pool: readonly number[], n: number, cut: readonly CutSpan[]): number[] {
  return pool.filter((index) => !cut.some(([start, end]) => start <= index / n && index / n < end));
}

/**
 * `count` frames taken again, uniformly, from those that `keep` leaves of the pool; indices repeat when fewer are left.
 * Throws a {@link TerminalError} when none is left.
 */
export function resample(pool: readonly number[], keep: readonly number[], count: number): number[] {
  const inPool = new Set(pool);
  const left = keep.filter((index) => inPool.has(index));
  if (left.length === 0) throw new TerminalError('video.nothing-left', 'the cut leaves no frame of the pool');
  return uniformIndices(left.length, count).map((at) => left[at]!);
}
