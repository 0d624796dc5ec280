import { pairedInterval, percentileInterval } from './bootstrap.js';
import { ratioValue, scoredCount, type Ratio } from './ratio.js';
import type { Difference, Estimate } from './result.js';

/** A ratio with its values on the resamples of one {@link bootstrap} call. */
export interface Resampled {
  readonly ratio: Ratio;
  readonly draws: Float64Array;
}

/** Value and interval of a metric, rounded to 1e-6. */
export function estimate({ ratio, draws }: Resampled, confidence: number): Estimate {
  const value = ratioValue(ratio);
  const interval = value === null ? null : percentileInterval(draws, confidence);
  return {
    value: round(value),
    low: round(interval?.low ?? null),
    high: round(interval?.high ?? null),
    videos: scoredCount(ratio),
  };
}

/**
 * `to - from` with its paired interval, rounded to 1e-6. The verdict looks at the rounded bounds, so that sums of floats in
 * another order cannot make a difference out of nothing.
 */
export function difference(
  from: Resampled,
  to: Resampled,
  confidence: number,
  higherIsBetter: boolean,
): Difference {
  const before = ratioValue(from.ratio);
  const after = ratioValue(to.ratio);
  const interval =
    before === null || after === null ? null : pairedInterval(from.draws, to.draws, confidence);
  if (before === null || after === null || interval === null) {
    return { value: null, low: null, high: null, verdict: 'unclear' };
  }
  const low = round(interval.low);
  const high = round(interval.high);
  const up = low > 0;
  const down = high < 0;
  return {
    value: round(after - before),
    low,
    high,
    verdict: up || down ? (up === higherIsBetter ? 'better' : 'worse') : 'unclear',
  };
}

function round(value: number): number;
function round(value: number | null): number | null;
function round(value: number | null): number | null {
  // Adding zero turns -0 into 0, which JSON would print differently from what it reads.
  return value === null ? null : Math.round(value * 1e6) / 1e6 + 0;
}
