import type { Span } from './sample.js';

/** The spans sorted, overlapping and touching ones merged. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** Length covered by at least one of the spans. */
export function coveredLength(spans: readonly Span[]): number {
  return union(spans).reduce((sum, [start, end]) => sum + (end - start), 0);
}

/** Length covered by both sets of spans. */
export function intersectionLength(a: readonly Span[], b: readonly Span[]): number {
  const left = union(a);
  const right = union(b);
  let sum = 0;
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const [s, e] = left[i]!;
    const [t, f] = right[j]!;
    sum += Math.max(0, Math.min(e, f) - Math.max(s, t));
    if (e < f) i++;
    else j++;
  }
  return sum;
}

/** From the first start to the last end; null without spans. */
export function hull(spans: readonly Span[]): Span | null {
  if (spans.length === 0) return null;
  return [Math.min(...spans.map((s) => s[0])), Math.max(...spans.map((s) => s[1]))];
}

/** The longest of the merged spans, the first of equals; null without spans. */
export function longest(spans: readonly Span[]): Span | null {
  let best: Span | null = null;
  for (const span of union(spans)) if (best === null || span[1] - span[0] > best[1] - best[0]) best = span;
  return best;
}

/** What SFT writes into `<when>` for a set of annotated spans, and which rule chose it. */
export interface TargetSpan {
  readonly span: Span;
  readonly from: 'single' | 'hull' | 'longest';
}

/**
 * One training span for any number of annotated ones: the hull if the spans fill at least half of it, else the longest.
 * Null without spans. Metrics and rewards use all spans, never this.
 */
export function targetOf(spans: readonly Span[]): TargetSpan | null {
  const merged = union(spans);
  const whole = hull(merged);
  if (whole === null) return null;
  if (merged.length === 1) return { span: whole, from: 'single' };
  // The slack keeps an exact half on the side of the hull whatever the rounding of the sums.
  if (coveredLength(merged) >= (whole[1] - whole[0]) / 2 - 1e-9) return { span: whole, from: 'hull' };
  return { span: longest(merged)!, from: 'longest' };
}

/**
 * Intersection over union of a predicted span with the union of the true ones, in [0, 1]. Both empty (Normal said of a
 * Normal video): 1; exactly one empty: 0.
 */
export function intervalIoU(predicted: Span | null, truth: readonly Span[]): number {
  if (predicted === null) return truth.length === 0 ? 1 : 0;
  if (truth.length === 0) return 0;
  const both = coveredLength([predicted, ...truth]);
  return both === 0 ? 0 : Math.min(1, intersectionLength([predicted], truth) / both);
}
