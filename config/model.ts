import { z } from 'zod';

const VisionSize = z.strictObject({
  depth: z.int().min(1).default(2).describe('transformer blocks of the vision tower'),
  hiddenSize: z.int().min(1).default(64).describe('width of the vision tower'),
  heads: z.int().min(1).default(2).describe('attention heads of the vision tower'),
  intermediateSize: z.int().min(1).default(176).describe('width of its SwiGLU'),
  windowSize: z.int().min(28).multipleOf(28).default(28).describe('window of windowed attention, in pixels'),
  fullAttentionBlocks: z
    .array(z.int().min(0))
    .default([1])
    .describe('blocks that attend over a whole temporal patch'),
  tokensPerSecond: z
    .number()
    .positive()
    .default(2)
    .describe(
      'rotary steps per temporal patch; the text tokens per temporal patch of the perception line (2 with time stamps)',
    ),
});

const TextSize = z.strictObject({
  layers: z.int().min(1).default(3).describe('decoder layers'),
  hiddenSize: z.int().min(1).default(128).describe('width of the decoder'),
  heads: z.int().min(1).default(4).describe('query heads'),
  keyValueHeads: z.int().min(1).default(2).describe('key-value heads (grouped-query attention)'),
  intermediateSize: z.int().min(1).default(352).describe('width of its SwiGLU'),
  ropeTheta: z.number().gt(1).default(10000).describe('base of the rotary frequencies'),
  mropeSection: z
    .tuple([z.int().min(0), z.int().min(0), z.int().min(0)])
    .default([4, 6, 6])
    .describe('rotary pairs for time, height and width; they add up to half a head'),
});

/** Names as in peft's LoraConfig. */
const LoraTuning = z.strictObject({
  kind: z
    .literal('lora')
    .describe('low-rank adapters (LoRA) beside frozen weights; checkpoints are peft adapter folders'),
  rank: z.int().min(1).default(16).describe('rank of the adapters, peft’s `r`'),
  alpha: z.number().positive().default(32).describe('an adapter counts alpha / rank, peft’s `lora_alpha`'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('share of its inputs that an adapter does not see while training, peft’s `lora_dropout`'),
  targets: z
    .union([z.array(z.string().min(1)).min(1), z.string().min(1)])
    .default('all-linear')
    .describe(
      'layers with an adapter, as peft’s `target_modules`: a list of names (q_proj, ...), one regular expression over whole module names, or all-linear',
    ),
});
export type LoraTuning = z.infer<typeof LoraTuning>;

const FullTuning = z.strictObject({ kind: z.literal('full').describe('all weights are trained') });

export const ModelConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('scratch')
      .describe(
        'a small Qwen2.5-VL, initialised from seed.train, with a word tokenizer of the run’s own texts',
      ),
    vision: VisionSize.prefault({}).describe('the vision tower'),
    text: TextSize.prefault({}).describe('the decoder'),
    initializerRange: z
      .number()
      .positive()
      .default(0.06)
      .describe('standard deviation of the initial weights (.02 does not learn at this size)'),
  }),
  z.strictObject({
    kind: z.literal('pretrained').describe('Qwen2.5-VL weights in a Hugging Face folder (safetensors)'),
    path: z
      .string()
      .describe(
        'the folder, relative to the config file; a worker that has it elsewhere finds it under HINDSIGHT_WEIGHTS by its last part',
      ),
    revision: z
      .string()
      .min(1)
      .describe(
        'what pins the weights: the sha256 of model.safetensors.index.json or of model.safetensors, which is checked, or a name such as their commit, which is not',
      ),
    size: z
      .enum(['3B', '7B'])
      .optional()
      .describe(
        'the released size, for estimates where the folder is not at hand; else its config.json says',
      ),
    tuning: z
      .discriminatedUnion('kind', [FullTuning, LoraTuning])
      .prefault({ kind: 'full' })
      .describe('what is trained'),
    freezeVision: z.boolean().default(false).describe('nothing of the vision tower is trained'),
    recompute: z
      .boolean()
      .default(true)
      .describe(
        'keep the input of each layer only and compute the rest again for its gradient: far less memory, about a third more time',
      ),
  }),
]);
export type ModelConfig = z.infer<typeof ModelConfig>;

interface OptimizerDefaults {
  readonly learningRate: number;
  readonly beta2?: number;
  readonly weightDecay?: number;
  readonly warmupSteps?: number;
  readonly schedule?: 'cosine' | 'linear' | 'constant';
  readonly finalShare?: number;
}

/** AdamW with the defaults of one stage, so that writing one field of it leaves the others at that stage's values. */
export const optimizerConfig = (defaults: OptimizerDefaults) =>
  z.strictObject({
    learningRate: z
      .number()
      .positive()
      .default(defaults.learningRate)
      .describe('peak learning rate of AdamW'),
    beta1: z.number().min(0).lt(1).default(0.9).describe('decay of the first moment'),
    beta2: z
      .number()
      .min(0)
      .lt(1)
      .default(defaults.beta2 ?? 0.98)
      .describe('decay of the second moment'),
    weightDecay: z
      .number()
      .min(0)
      .default(defaults.weightDecay ?? 0.05)
      .describe('on matrices only, never on biases and norms'),
    warmupSteps: z
      .int()
      .min(0)
      .default(defaults.warmupSteps ?? 40)
      .describe('steps of linear warm-up'),
    schedule: z
      .enum(['cosine', 'linear', 'constant'])
      .default(defaults.schedule ?? 'cosine')
      .describe('course of the learning rate after the warm-up'),
    finalShare: z
      .number()
      .min(0)
      .max(1)
      .default(defaults.finalShare ?? 0.05)
      .describe('learning rate at the end, as a share of the peak'),
    maxGradNorm: z.number().positive().default(1).describe('gradients are clipped to this global norm'),
  });
export type OptimizerConfig = z.infer<ReturnType<typeof optimizerConfig>>;
