import { z } from 'zod';
import { OptimizerConfig } from './model.js';

/** Steps between checkpoints; a killed step costs at most this many. */
const checkpointEvery = z
  .int()
  .min(1)
  .default(50)
  .describe('steps between checkpoints; what a kill can cost');

export const SftConfig = z.strictObject({
  visionWarmup: z
    .strictObject({
      steps: z.int().min(0).default(400),
      batchSize: z.int().min(1).default(32),
      optimizer: OptimizerConfig.prefault({
        learningRate: 3e-3,
        warmupSteps: 20,
        schedule: 'linear',
        finalShare: 0.1,
      }),
    })
    .prefault({})
    .describe(
      'from scratch only: the vision tower with a linear head predicts the perception word of each temporal patch',
    ),
  steps: z.int().min(1).default(300).describe('optimizer steps'),
  batchSize: z.int().min(1).default(32).describe('sequences per step'),
  optimizer: OptimizerConfig.prefault({ learningRate: 2e-3 }),
  categoryShare: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'share of sequences under the `category` prompt (<which> is the fine category); the rest are under `verdict`',
    ),
  trimmedShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('share of sequences drawn from trimmed views, where a sample has one'),
  validationEvery: z.int().min(1).default(100).describe('steps between validation losses'),
  checkpointEvery,
});
export type SftConfig = z.infer<typeof SftConfig>;

export const SamplingConfig = z.strictObject({
  temperature: z.number().min(0).default(1).describe('0 is greedy'),
  topP: z.number().gt(0).max(1).default(1),
  maxTokens: z
    .int()
    .min(1)
    .default(160)
    .describe('completion tokens at most; one that does not end is `truncated`'),
});
export type SamplingConfig = z.infer<typeof SamplingConfig>;

export const ReflectionConfig = z.strictObject({
  draftsPerSample: z
    .int()
    .min(1)
    .default(2)
    .describe('first answers of the policy per `reflect` sample, written without the label'),
  sampling: SamplingConfig.prefault({}),
  draftRightShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('share of right drafts, reached by subsampling the more frequent kind (SRPO: about .3)'),
  draftLoss: z
    .enum(['right-only', 'all', 'none'])
    .default('right-only')
    .describe(
      'on which first passes the SFT loss is taken; `right-only`: never on the tokens of a wrong one',
    ),
  sft: SftConfig.prefault({ steps: 150, optimizer: { learningRate: 5e-4 } }).describe(
    'reflection SFT; visionWarmup and trimmedShare are not used',
  ),
  plainShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.25)
    .describe('share of single-pass sequences mixed in, so that verification can be answered in one pass'),
});
export type ReflectionConfig = z.infer<typeof ReflectionConfig>;

export const LengthReward = z.strictObject({
  unit: z.enum(['words', 'tokens']).default('words'),
  normal: z.tuple([z.number(), z.number()]).default([140, 261]).describe('window when Normal is predicted'),
  abnormal: z
    .tuple([z.number(), z.number()])
    .default([233, 456])
    .describe('window when Abnormal is predicted'),
  variant: z
    .enum(['paper', 'code'])
    .default('paper')
    .describe('`code`: paid only when more than one of the group qualifies, as the released code does'),
});
export type LengthReward = z.infer<typeof LengthReward>;

export const GrpoConfig = z.strictObject({
  preset: z
    .enum(['vad-r1', 'srvau-r1', 'combined'])
    .default('combined')
    .describe(
      'completion shape and rewards: single pass, reflective, or reflective with verification of the final answer',
    ),
  weights: z
    .strictObject({
      accuracy: z.number().min(0).default(1),
      format: z.number().min(0).default(1),
      verification: z.number().min(0).default(1),
      length: z.number().min(0).default(1),
      reflection: z.number().min(0).default(1),
      tiou: z.number().min(0).default(1),
    })
    .prefault({})
    .describe('factor of each reward the preset uses; 0 leaves it out'),
  verification: z
    .strictObject({
      mode: z.enum(['paper', 'guarded']).default('guarded'),
      minFramesLeft: z.int().min(1).default(8).describe('`guarded` abstains when fewer pool frames remain'),
      trimShare: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.3)
        .describe('piece cut from the beginning or the end when Normal is predicted'),
    })
    .prefault({}),
  length: LengthReward.prefault({}),
  reflectionAlpha: z.number().min(0).default(0.1).describe('weight of SRPO’s length term'),
  labels: z
    .enum(['weak', 'spans'])
    .default('weak')
    .describe('`weak`: rewards see labels only; `spans`: annotated spans too (tIoU)'),
  epochs: z.int().min(1).default(1).describe('each epoch is one activity'),
  stepsPerEpoch: z.int().min(1).default(60).describe('generations per epoch'),
  promptsPerStep: z.int().min(1).default(16),
  groupSize: z.int().min(2).default(4).describe('completions per prompt (Vad-R1: 4)'),
  updatesPerGeneration: z.int().min(1).default(1),
  clipLow: z.number().positive().default(0.2),
  clipHigh: z.number().positive().default(0.2),
  beta: z.number().min(0).default(0.04).describe('weight of the KL term against the reference policy'),
  aggregation: z.enum(['grpo', 'bnpo', 'dr_grpo', 'dapo']).default('grpo'),
  scaleRewards: z
    .enum(['group', 'none'])
    .default('group')
    .describe('divide advantages by the group’s standard deviation'),
  maskTruncated: z.boolean().default(false).describe('truncated completions add nothing to the loss'),
  sampling: SamplingConfig.prefault({}),
  optimizer: OptimizerConfig.prefault({
    learningRate: 1e-4,
    beta2: 0.95,
    weightDecay: 0,
    warmupSteps: 5,
    schedule: 'constant',
  }),
  checkpointEvery: z.int().min(1).default(10).describe('steps between checkpoints; what a kill can cost'),
});
export type GrpoConfig = z.infer<typeof GrpoConfig>;
