import type { Random } from '../core/random.js';
import type { Ratio } from './ratio.js';

/**
 * Bootstrap over videos: for each resample, as many videos are drawn with replacement as there are, and every ratio is
 * computed on them. All ratios see the same resamples, so that differences between two of them are paired. All must be
 * over the same videos in the same order.
 * @returns per ratio its value on each resample; NaN where the resample leaves its denominator empty
 */
export function bootstrap(ratios: readonly Ratio[], resamples: number, random: Random): Float64Array[] {
  const videos = ratios[0]?.numerator.length ?? 0;
  for (const ratio of ratios) {
    if (ratio.numerator.length !== videos || ratio.denominator.length !== videos) {
      throw new RangeError(
        `paired ratios must cover the same ${videos} videos, not ${ratio.numerator.length}`,
      );
    }
  }
  const values = ratios.map(() => new Float64Array(resamples));
  const drawn = new Float64Array(videos);
  for (let resample = 0; resample < resamples; resample++) {
    drawn.fill(0);
    for (let draw = 0; draw < videos; draw++) drawn[random.integer(videos)]! += 1;
    for (const [index, { numerator, denominator }] of ratios.entries()) {
      let above = 0;
      let below = 0;
      for (let video = 0; video < videos; video++) {
        const times = drawn[video]!;
        above += times * numerator[video]!;
        below += times * denominator[video]!;
      }
      values[index]![resample] = below === 0 ? NaN : above / below;
    }
  }
  return values;
}

/** A two-sided interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile interval with linear interpolation between order statistics, over the resamples where the metric is defined;
 * null when it is defined in none.
 */
export function percentileInterval(values: Float64Array, confidence: number): Interval | null {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return null;
  const tail = (1 - confidence) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/** Interval of `to - from`, resample by resample: both must come from one {@link bootstrap} call. */
export function pairedInterval(from: Float64Array, to: Float64Array, confidence: number): Interval | null {
  return percentileInterval(
    to.map((value, index) => value - from[index]!),
    confidence,
  );
}

/** Quantile q of ascending values, linearly interpolated. */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}
