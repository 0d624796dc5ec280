import { z } from 'zod';
import { splits } from '../config/dataset.js';

export const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Video-level label. */
export const Label = z.enum(['Normal', 'Abnormal']);
export type Label = z.infer<typeof Label>;

/** Fractions of the video, 0 <= start < end <= 1: frame index / frame count, half open. */
export const Span = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);
export type Span = z.infer<typeof Span>;

/** One video with what people said about it. Videos are named by the digest of their bytes, never by path. */
export const Sample = z.strictObject({
  id: z.string().min(1).describe('unique in the run'),
  video: Digest,
  /** Film, camera or source video: all samples of one group are on one side of every split. */
  group: z.string(),
  split: z.enum(splits),
  label: Label,
  /** Leaf of the taxonomy; null on Normal and where only the label is known. */
  category: z.string().nullable(),
  /** Every annotated anomalous span; empty on Normal and where none is annotated. */
  spans: z.array(Span),
  /** What SFT writes into <when>: the hull of the spans if they fill half of it, else the longest; null without spans. */
  target: z.strictObject({ span: Span, from: z.enum(['single', 'hull', 'longest']) }).nullable(),
  /** Where in the picture, as the annotator said. */
  place: z.string().nullable(),
  /** One sentence by the annotator about the event. */
  description: z.string().nullable(),
  /** Reasoning text that came with the annotation (Vad-Reasoning SFT rows): `<think>...</think>` and `<answer>...</answer>`. */
  reasoning: z.strictObject({ think: z.string(), answer: z.string() }).nullable(),
  frames: z.int().min(1).describe('decodable frames'),
  fps: z.number().positive(),
  width: z.int(),
  height: z.int(),
});
export type Sample = z.infer<typeof Sample>;

/** A video or annotation that cannot be used, with a reason that a person understands. */
export const Reject = z.strictObject({
  id: z.string(),
  /** Where it was named: annotation file (base name) and line. */
  from: z.string(),
  reason: z.string().describe('stable code, e.g. truncated, missing-file, unknown-category'),
  message: z.string(),
});
export type Reject = z.infer<typeof Reject>;
