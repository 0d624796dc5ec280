/**
 * A metric as two numbers per video: its value on any multiset of videos is sum(numerator) / sum(denominator). Accuracy,
 * precision, recall, F1, mIoU and R@k all have this form, which is what makes one bootstrap serve them all. A video with
 * denominator 0 and numerator 0 is not scored by the metric.
 */
export interface Ratio {
  readonly numerator: Float64Array;
  readonly denominator: Float64Array;
}

/** The ratio of a list: `score` returns numerator and denominator of one video, or null when it is not scored. */
export function ratioOf<T>(
  videos: readonly T[],
  score: (video: T) => readonly [number, number] | null,
): Ratio {
  const numerator = new Float64Array(videos.length);
  const denominator = new Float64Array(videos.length);
  for (const [index, video] of videos.entries()) {
    const scored = score(video);
    if (scored === null) continue;
    numerator[index] = scored[0];
    denominator[index] = scored[1];
  }
  return { numerator, denominator };
}

/** A mean over the videos that are scored. */
export function meanOf<T>(videos: readonly T[], score: (video: T) => number | null): Ratio {
  return ratioOf(videos, (video) => {
    const value = score(video);
    return value === null ? null : [value, 1];
  });
}

/** Its value; null when nothing is counted in the denominator (e.g. precision when Abnormal is never predicted). */
export function ratioValue(ratio: Ratio): number | null {
  const below = sum(ratio.denominator);
  return below === 0 ? null : sum(ratio.numerator) / below;
}

/** How many videos the metric scores. */
export function scoredCount(ratio: Ratio): number {
  return ratio.denominator.reduce((count, weight) => (weight === 0 ? count : count + 1), 0);
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
