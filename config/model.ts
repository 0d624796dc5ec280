import { z } from 'zod';

const VisionSize = z.strictObject({
  depth: z.int().min(1).default(2).describe('transformer blocks of the vision tower'),
  hiddenSize: z.int().default(64).describe('width of the vision tower'),
  heads: z.int().default(2).describe('attention heads of the vision tower'),
  intermediateSize: z.int().default(176).describe('width of its SwiGLU'),
  windowSize: z.int().multipleOf(28).default(28).describe('window of windowed attention, in pixels'),
  fullAttentionBlocks: z
    .array(z.int().min(0))
    .default([1])
    .describe('blocks that attend over a whole temporal patch'),
  tokensPerSecond: z
    .number()
    .default(2)
    .describe(
      'rotary steps per temporal patch; the text tokens per temporal patch of the perception line (2 with time stamps)',
    ),
});

const TextSize = z.strictObject({
  layers: z.int().min(1).default(3).describe('decoder layers'),
  hiddenSize: z.int().default(128).describe('width of the decoder'),
  heads: z.int().default(4).describe('query heads'),
  keyValueHeads: z.int().default(2).describe('key-value heads (grouped-query attention)'),
  intermediateSize: z.int().default(352).describe('width of its SwiGLU'),
  ropeTheta: z.number().default(10000).describe('base of the rotary frequencies'),
  mropeSection: z
    .tuple([z.int(), z.int(), z.int()])
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
    vision: VisionSize.prefault({}),
    text: TextSize.prefault({}),
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

export const OptimizerConfig = z.strictObject({
  learningRate: z.number().positive().describe('peak learning rate of AdamW'),
  beta1: z.number().default(0.9),
  beta2: z.number().default(0.98),
  weightDecay: z.number().min(0).default(0.05).describe('on matrices only, never on biases and norms'),
  warmupSteps: z.int().min(0).default(40).describe('linear warm-up'),
  schedule: z.enum(['cosine', 'linear', 'constant']).default('cosine'),
  finalShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('learning rate at the end, as a share of the peak'),
  maxGradNorm: z.number().positive().default(1).describe('gradients are clipped to this global norm'),
});
export type OptimizerConfig = z.infer<typeof OptimizerConfig>;
