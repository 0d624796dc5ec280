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
    path: z.string().describe('the folder, relative to the config file'),
    revision: z
      .string()
      .describe('what pins the weights: their commit, or the digest of model.safetensors.index.json'),
    size: z.enum(['3B', '7B']).describe('for the estimate of device memory before the weights are read'),
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
