import { z } from 'zod';
import { optimizerConfig } from './model.js';

/** Steps between checkpoints; a killed step costs at most this many. */
const checkpointEvery = z
  .int()
  .min(1)
  .default(50)
  .describe('steps between checkpoints; what a kill can cost');

interface SftDefaults {
  readonly steps: number;
  readonly learningRate: number;
}

const sftConfig = (defaults: SftDefaults) =>
  z.strictObject({
    visionWarmup: z
      .strictObject({
        steps: z.int().min(0).default(400).describe('optimizer steps; 0 leaves the warm-up out'),
        batchSize: z.int().min(1).default(32).describe('clips per step'),
        optimizer: optimizerConfig({
          learningRate: 3e-3,
          warmupSteps: 20,
          schedule: 'linear',
          finalShare: 0.1,
        })
          .prefault({})
          .describe('optimizer of the warm-up'),
      })
      .prefault({})
      .describe(
        'from scratch only: the vision tower with a linear head predicts the perception word of each temporal patch',
      ),
    steps: z.int().min(1).default(defaults.steps).describe('optimizer steps'),
    batchSize: z.int().min(1).default(32).describe('sequences per step'),
    packing: z
      .boolean()
      .default(false)
      .describe(
        'several sequences share one padded row without seeing each other, with the same results up to rounding; pays where most sequences are much shorter than the longest of their grid, else it is slower (docs/decisions/0006-packing.md)',
      ),
    optimizer: optimizerConfig({ learningRate: defaults.learningRate })
      .prefault({})
      .describe('optimizer of the fine-tuning'),
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
    dataShare: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .describe(
        'share of the samples that is trained on, drawn by seed; a smaller share is part of a larger one',
      ),
    validationEvery: z.int().min(1).default(100).describe('steps between validation losses'),
    checkpointEvery,
  });
export const SftConfig = sftConfig({ steps: 300, learningRate: 2e-3 });
export type SftConfig = z.infer<typeof SftConfig>;

/** Sampling with the defaults of one stage, so that writing one field of it leaves the others at that stage's values. */
export const samplingConfig = (defaults: { readonly temperature: number }) =>
  z.strictObject({
    temperature: z.number().min(0).default(defaults.temperature).describe('0 is greedy'),
    topP: z.number().gt(0).max(1).default(1).describe('nucleus; 1 keeps every token'),
    maxTokens: z
      .int()
      .min(1)
      .default(160)
      .describe('completion tokens at most; one that does not end is `truncated`'),
  });
export const SamplingConfig = samplingConfig({ temperature: 1 });
export type SamplingConfig = z.infer<typeof SamplingConfig>;

export const ReflectionConfig = z.strictObject({
  draftsPerSample: z
    .int()
    .min(1)
    .default(2)
    .describe('first answers of the policy per `reflect` and `val` sample, written without the label'),
  sampling: SamplingConfig.prefault({}).describe('how drafts are drawn'),
  draftRightShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('share of right drafts, reached by subsampling the more frequent kind (SRPO: about .3)'),
  marks: z
    .boolean()
    .default(true)
    .describe(
      'false leaves `<reflection>` out: two passes without a word about the first (an ablation of SRVAU-R1)',
    ),
  draftLoss: z
    .enum(['right-only', 'all', 'none'])
    .default('right-only')
    .describe(
      'on which first passes the SFT loss is taken; `right-only`: never on the tokens of a wrong one',
    ),
  // Its videos are shown whole, to a tower that sees: neither field would change anything.
  sft: sftConfig({ steps: 150, learningRate: 5e-4 })
    .omit({ visionWarmup: true, trimmedShare: true })
    .prefault({})
    .describe('reflection SFT; dataShare is taken of the samples with a reflection'),
  plainShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.25)
    .describe('share of single-pass sequences mixed in, so that verification can be answered in one pass'),
});
export type ReflectionConfig = z.infer<typeof ReflectionConfig>;

export const LengthReward = z.strictObject({
  unit: z
    .enum(['words', 'tokens'])
    .default('words')
    .describe('what the length of a completion is counted in'),
  normal: z.tuple([z.number(), z.number()]).default([140, 261]).describe('window when Normal is predicted'),
  abnormal: z
    .tuple([z.number(), z.number()])
    .default([233, 456])
    .describe('window when Abnormal is predicted'),
  variant: z
    .enum(['paper', 'code'])
    .default('paper')
    .describe(
      '`paper`: paid to each right completion within its window; `code`: paid only when more than one of the group qualifies, as the released code does',
    ),
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
      accuracy: z.number().min(0).default(1).describe('the label of the (final) answer is right'),
      format: z.number().min(0).default(1).describe('the completion follows the tag grammar'),
      verification: z
        .number()
        .min(0)
        .default(1)
        .describe('the verdict holds when the segment it rests on is cut out'),
      length: z.number().min(0).default(1).describe('the completion is as long as its window says'),
      reflection: z.number().min(0).default(1).describe('the reflection is present, useful and brief (SRPO)'),
      tiou: z.number().min(0).default(1).describe('temporal IoU of predicted and annotated span'),
    })
    .prefault({})
    .describe('factor of each reward the preset uses; 0 leaves it out'),
  verification: z
    .strictObject({
      mode: z
        .enum(['paper', 'guarded'])
        .default('guarded')
        .describe(
          '`paper` pays on any video; `guarded` only where the label is Abnormal and enough frames remain',
        ),
      minFramesLeft: z.int().min(1).default(8).describe('`guarded` abstains when fewer pool frames remain'),
      trimShare: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.3)
        .describe('piece cut from the beginning or the end when Normal is predicted'),
    })
    .prefault({})
    .describe('the verification reward of AVA-GRPO'),
  length: LengthReward.prefault({}).describe('the length reward'),
  reflectionAlpha: z.number().min(0).default(0.1).describe('weight of SRPO’s length term'),
  labels: z
    .enum(['weak', 'spans'])
    .default('weak')
    .describe('`weak`: rewards see labels only; `spans`: annotated spans too (tIoU)'),
  epochs: z.int().min(1).default(1).describe('each epoch is one activity'),
  stepsPerEpoch: z.int().min(1).default(60).describe('generations per epoch'),
  promptsPerStep: z.int().min(1).default(16).describe('samples per generation'),
  groupSize: z.int().min(2).default(4).describe('completions per prompt (Vad-R1: 4)'),
  updatesPerGeneration: z
    .int()
    .min(1)
    .default(1)
    .describe('optimizer steps on each generation (Vad-R1: 1, so that clipping is inactive)'),
  clipLow: z
    .number()
    .positive()
    .lt(1)
    .default(0.2)
    .describe('the probability ratio is clipped at 1 - clipLow'),
  clipHigh: z.number().positive().default(0.2).describe('the probability ratio is clipped at 1 + clipHigh'),
  beta: z.number().min(0).default(0.04).describe('weight of the KL term against the reference policy'),
  aggregation: z
    .enum(['grpo', 'bnpo', 'dr_grpo', 'dapo'])
    .default('grpo')
    .describe(
      'how token losses become one: mean per completion, over the batch, by the longest possible completion, over the generation',
    ),
  scaleRewards: z
    .enum(['group', 'none'])
    .default('group')
    .describe('divide advantages by the group’s standard deviation'),
  resampleFlat: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'rounds per generation in which groups without spread in their rewards are replaced by groups of other samples (DAPO); each costs up to one more generation; 0 keeps them',
    ),
  maskTruncated: z.boolean().default(false).describe('truncated completions add nothing to the loss'),
  sampling: SamplingConfig.prefault({}).describe(
    'how completions are drawn; log-probabilities are taken at this temperature',
  ),
  optimizer: optimizerConfig({
    learningRate: 1e-4,
    beta2: 0.95,
    weightDecay: 0,
    warmupSteps: 5,
    schedule: 'constant',
  })
    .prefault({})
    .describe('optimizer of GRPO'),
  checkpointEvery: z.int().min(1).default(10).describe('steps between checkpoints; what a kill can cost'),
});
export type GrpoConfig = z.infer<typeof GrpoConfig>;
