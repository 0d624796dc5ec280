import { z } from 'zod';

/** Distinct generations that the rounds go through, again and again. */
export const GENERATIONS = 4;

const Part = z.object({
  milliseconds: z.number().nonnegative(),
  /** Completions sampled, cuts answered, rows learnt from. */
  sequences: z.int().nonnegative(),
  /** Completion tokens written, or learnt from. */
  tokens: z.int().nonnegative(),
});
export type Part = z.infer<typeof Part>;

/** Answer to `step`, which makes the step of one generation: what each of its parts took. */
export const Stepped = z.object({ rollout: Part, verification: Part, update: Part });
export type Stepped = z.infer<typeof Stepped>;

export const parts = ['rollout', 'verification', 'update'] as const;

/** Answer to `load`: the participant is ready to work. */
export const Loaded = z.object({
  threads: z.int().positive(),
  versions: z.record(z.string(), z.string()),
});
export type Loaded = z.infer<typeof Loaded>;

/**
 * Answer to `check`: KL and gradient norm of each generation's update, in turn, on which all participants must agree.
 * Ours, which is asked first, also leaves the generations where the others find them.
 */
export const Checked = z.object({ numbers: z.array(z.number()) });

/** Answer to `checkpoint`, which saves the policy and its optimizer's state and restores both. */
export const Checkpointed = z.object({
  saveMilliseconds: z.number().nonnegative(),
  restoreMilliseconds: z.number().nonnegative(),
  modelBytes: z.int().positive(),
  stateBytes: z.int().positive(),
});
export type Checkpointed = z.infer<typeof Checkpointed>;

const Held = z.object({
  step: z.int().positive(),
  residentBytes: z.int().positive(),
  tensors: z.int().positive(),
  tensorBytes: z.int().positive(),
});
/** What a training process holds after one of its steps. */
export type Held = z.infer<typeof Held>;

/** Answer to `train`, which runs a whole job: what was held after the steps that were named. */
export const Trained = z.object({ held: z.array(Held) });

/** Answer to `prepare`, which leaves a job in a folder. */
export const Prepared = z.object({ job: z.string() });

/** What the bench asks of our participant; PyTorch's knows `load`, `check` and `step`. */
export const Request = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('prepare'), folder: z.string() }),
  z.strictObject({ do: z.literal('load'), folder: z.string() }),
  z.strictObject({ do: z.literal('check') }),
  z.strictObject({ do: z.literal('step'), generation: z.int().nonnegative() }),
  z.strictObject({ do: z.literal('checkpoint') }),
  z.strictObject({ do: z.literal('train'), folder: z.string(), look: z.array(z.int().positive()).min(1) }),
]);
export type Request = z.infer<typeof Request>;
