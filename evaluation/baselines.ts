import { coveredLength, union } from '../datasets/interval.js';
import type { Label, Sample, Span } from '../datasets/sample.js';
import type { AnsweredVideo } from './answered-video.js';

/** An answer that needs no model, scored by the same code as a checkpoint. */
export interface Baseline {
  readonly name: 'always-normal' | 'always-abnormal' | 'best-constant-span-oracle';
  /** What it is, in a sentence. */
  readonly description: string;
  /** It looked at the truth of the evaluated videos: an upper bound for any constant answer, not a method. */
  readonly oracle: boolean;
  readonly verdict: Label;
  /** The span it always gives; null for Normal. */
  readonly span: Span | null;
}

/** Steps per unit in the search for the best constant span. */
const grid = 100;

/** The trivial answers for a list of samples. */
export function baselines(samples: readonly Sample[]): Baseline[] {
  const best = bestConstantSpan(samples);
  const list: Baseline[] = [
    {
      name: 'always-normal',
      description: 'says Normal to every video',
      oracle: false,
      verdict: 'Normal',
      span: null,
    },
    {
      name: 'always-abnormal',
      description: 'says Abnormal to every video, span [0, 1]',
      oracle: false,
      verdict: 'Abnormal',
      span: [0, 1],
    },
  ];
  if (best !== null) {
    list.push({
      name: 'best-constant-span-oracle',
      description: `says Abnormal to every video with the one span that scores best on these very videos, [${best.join(', ')}]`,
      oracle: true,
      verdict: 'Abnormal',
      span: best,
    });
  }
  return list;
}

/** A baseline's answers, as a checkpoint's. */
export function baselineAnswers(baseline: Baseline, samples: readonly Sample[]): AnsweredVideo[] {
  const { verdict, span } = baseline;
  return samples.map((sample) => ({
    sample,
    final: { outcome: 'ok', verdict, span },
    first: null,
    upstream: { verdict, span: span ?? [0, 1] },
    truncated: false,
    formatValid: true,
    reflection: false,
    words: 0,
    tokens: 0,
  }));
}

/**
 * The span with the highest mean IoU (`abnormal_only`) on these samples, on a grid of hundredths; the first one in order
 * of start, then end, when several are equal. Null when no sample has an annotated span.
 */
export function bestConstantSpan(samples: readonly Sample[]): Span | null {
  const truths = samples
    .filter(({ label, spans }) => label === 'Abnormal' && spans.length > 0)
    .map(({ spans }) => ({ spans: union(spans), length: coveredLength(spans) }));
  if (truths.length === 0) return null;
  let best: Span = [0, 1];
  let bestTotal = -1;
  for (let from = 0; from < grid; from++) {
    for (let to = from + 1; to <= grid; to++) {
      const start = from / grid;
      const end = to / grid;
      let total = 0;
      // Some thousand spans times all samples: the truth is merged once, outside, not per pair as intervalIoU would.
      for (const { spans, length } of truths) {
        let shared = 0;
        for (const [s, e] of spans) shared += Math.max(0, Math.min(e, end) - Math.max(s, start));
        total += shared / (length + end - start - shared);
      }
      if (total > bestTotal + 1e-9) {
        best = [start, end];
        bestTotal = total;
      }
    }
  }
  return best;
}
