import { z } from 'zod';
import { completionShapes } from '../datasets/answer.js';
import { splits } from '../config/dataset.js';
import { Label, Span } from '../datasets/sample.js';
import { answerOutcomes } from './answered-video.js';

const count = z.int().min(0);

/** A metric with its bootstrap interval. All null when it is undefined here, e.g. precision when Abnormal is never said. */
export const Estimate = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Videos that it scores. */
  videos: count,
});
export type Estimate = z.infer<typeof Estimate>;

/** A paired difference, `to - from`, on the same videos. */
export const Difference = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** `better` and `worse` when the interval leaves out zero, in the direction that is good for the metric. */
  verdict: z.enum(['better', 'worse', 'unclear']),
});
export type Difference = z.infer<typeof Difference>;

/** Keys are `<policy>.<metric>`, see metrics.ts. */
const Estimates = z.record(z.string(), Estimate);

export const CheckpointResult = z.strictObject({
  checkpoint: z.string(),
  shape: z.enum(completionShapes),
  /** Videos by outcome of the (final) answer. */
  outcomes: z.record(z.enum(answerOutcomes), count),
  truncated: count,
  metrics: Estimates,
  /** Verdicts of first and final answer, in videos; null in single-pass shape. */
  transitions: z
    .strictObject({ rightToRight: count, rightToWrong: count, wrongToRight: count, wrongToWrong: count })
    .nullable(),
});
export type CheckpointResult = z.infer<typeof CheckpointResult>;

export const BaselineResult = z.strictObject({
  baseline: z.string(),
  description: z.string(),
  /** It looked at the truth of these videos. */
  oracle: z.boolean(),
  verdict: Label,
  span: Span.nullable(),
  metrics: Estimates,
});
export type BaselineResult = z.infer<typeof BaselineResult>;

export const StratumResult = z.strictObject({
  by: z.enum(['label', 'category', 'duration']),
  stratum: z.string(),
  videos: count,
  /** Per checkpoint, a few metrics on these videos alone. */
  checkpoints: z.record(z.string(), Estimates),
});
export type StratumResult = z.infer<typeof StratumResult>;

/** What the `evaluate` stage publishes; numbers are rounded to 1e-6, so that equal runs have equal bytes and diffs stay short. */
export const EvaluationResult = z.strictObject({
  schema: z.literal(1),
  split: z.enum(splits),
  videos: count,
  labels: z.strictObject({ Normal: count, Abnormal: count }),
  /** Mean length of the annotated anomalies, in parts of the video; null where none is annotated. */
  trueSpanWidth: z.number().nullable(),
  /** Abnormal videos without an annotated span: no grounding metric scores them. */
  withoutSpan: count,
  confidence: z.number(),
  bootstrapResamples: z.int(),
  seed: z.int(),
  checkpoints: z.array(CheckpointResult),
  /** Each checkpoint against the one before it, and with more than two the last against the first. */
  comparisons: z.array(
    z.strictObject({ from: z.string(), to: z.string(), metrics: z.record(z.string(), Difference) }),
  ),
  baselines: z.array(BaselineResult),
  strata: z.array(StratumResult),
});
export type EvaluationResult = z.infer<typeof EvaluationResult>;

const PerSampleAnswer = z.strictObject({
  outcome: z.enum(answerOutcomes),
  verdict: Label.nullable(),
  span: Span.nullable(),
  right: z.boolean(),
  /** `all_videos` IoU; null where no span is annotated. */
  iou: z.number().nullable(),
});

/** One line of `per-sample.jsonl`: a video, its truth, and what each checkpoint said. */
export const PerSample = z.strictObject({
  sampleId: z.string(),
  truth: z.strictObject({ label: Label, category: z.string().nullable(), spans: z.array(Span) }),
  seconds: z.number(),
  checkpoints: z.record(
    z.string(),
    PerSampleAnswer.extend({
      truncated: z.boolean(),
      formatValid: z.boolean(),
      words: count,
      tokens: count,
      /** The first pass of a reflective answer; null in single-pass shape. */
      first: PerSampleAnswer.nullable(),
    }),
  ),
});
export type PerSample = z.infer<typeof PerSample>;
