import { z } from 'zod';

const Tokens = z.array(z.int().nonnegative());

/** Rows of one step: row r shows video r, and its completion (empty where there is nothing to learn) follows. */
const Batch = z.strictObject({ prompts: z.array(Tokens), completions: z.array(Tokens) });
export type Batch = z.infer<typeof Batch>;

const Grid = z.strictObject({ t: z.int().positive(), h: z.int().positive(), w: z.int().positive() });

const Optimizer = z.strictObject({
  learningRate: z.number().positive(),
  beta1: z.number(),
  beta2: z.number(),
  weightDecay: z.number(),
  maxGradNorm: z.number().positive(),
});

/**
 * What every participant is asked to do, as `work.json` says it. The model lies beside it in `model/`, the videos in
 * `patches.safetensors` as `patches` [videos * t * h * w, patch values].
 */
export const Work = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sft').describe('step k learns the completions of batch k, k + batches, ...'),
    grid: Grid,
    batches: z.array(Batch).min(1),
    optimizer: Optimizer,
    longest: z.int().positive().describe('tokens of the longest row that a phase of such steps would see'),
  }),
  z.strictObject({
    kind: z.literal('sampling').describe('`group` completions of every prompt, at temperature 1'),
    grid: Grid,
    batches: z.array(Batch).length(1),
    group: z.int().positive(),
    newTokens: z.int().positive().describe('of every completion; nothing ends one early'),
    seed: z.int(),
  }),
  z.strictObject({
    kind: z.literal('prefill').describe('vision tower and decoder over the prompts, with their cache'),
    grid: Grid,
    batches: z.array(Batch).length(1),
  }),
]);
export type Work = z.infer<typeof Work>;

/** Tokens that one step of the work is about: read or written by the decoder, padding not counted. */
export function tokensPerStep(work: Work): number {
  if (work.kind === 'sampling') return work.batches[0]!.prompts.length * work.group * work.newTokens;
  const perBatch = work.batches.map(({ prompts, completions }) =>
    [...prompts, ...completions].reduce((sum, ids) => sum + ids.length, 0),
  );
  return perBatch.reduce((a, b) => a + b, 0) / perBatch.length;
}
