import { z } from 'zod';
import { Label, Span } from './sample.js';

/**
 * What SFT is trained on: one view of a sample (the whole video, or one with a segment cut out) and the completions that
 * answer the two single-pass prompts about it. Written by the `reasoning` stage, one JSON line each.
 */
export const Target = z.strictObject({
  sampleId: z.string(),
  /** `full`, or `trim-0`, `trim-1`, ... */
  view: z.string(),
  /** Frame indices of the video that the policy sees, ascending. */
  frames: z.array(z.int().min(0)),
  label: Label,
  category: z.string().nullable(),
  /** Relative to the view, on the grid that <when> is written in. */
  span: Span.nullable(),
  /** One perception word per temporal patch (two frames each): what the vision warm-up learns. */
  words: z.array(z.string()),
  /** The whole completion under each prompt: `<think>...</think> <answer>...</answer>`. */
  verdict: z.string(),
  categoryCompletion: z.string(),
});
export type Target = z.infer<typeof Target>;

/** A first answer of a real policy, with where it came from. Written by the `drafts` stage. */
export const Draft = z.strictObject({
  sampleId: z.string(),
  draft: z.int().min(0),
  text: z.string(),
  finish: z.enum(['stop', 'length']),
  /** Digest of the checkpoint's model.safetensors. */
  checkpoint: z.string(),
  seed: z.int(),
});
export type Draft = z.infer<typeof Draft>;

/** A draft with reflection and revised answer; the revised answer equals the truth. Written by the `reflections` stage. */
export const Reflection = z.strictObject({
  sampleId: z.string(),
  draft: z.int().min(0),
  frames: z.array(z.int().min(0)),
  label: Label,
  span: Span.nullable(),
  draftRight: z.boolean(),
  /** The first pass exactly as the policy wrote it. */
  first: z.string(),
  /** `<reflection>...</reflection> <think>...</think> <answer>...</answer>`. */
  rest: z.string(),
  checkpoint: z.string(),
  seed: z.int(),
});
export type Reflection = z.infer<typeof Reflection>;

/** An answer of a checkpoint on a benchmark sample. Written by the `predictions` stage. */
export const Prediction = z.strictObject({
  sampleId: z.string(),
  text: z.string(),
  finish: z.enum(['stop', 'length']),
  tokens: z.int().min(0),
});
export type Prediction = z.infer<typeof Prediction>;
