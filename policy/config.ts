import { z } from 'zod';
import { InputError } from '../core/errors.js';

/**
 * The shape of a Qwen2.5-VL policy, in one form whatever spelling its `config.json` used. Sizes are counts; the two
 * `initializerRange`s are standard deviations; token fields are ids.
 */
export interface PolicyConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** How many of the headDim/2 frequencies turn with time, height and width. */
  readonly mropeSection: readonly [number, number, number];
  readonly tieWordEmbeddings: boolean;
  readonly initializerRange: number;
  readonly maxPositionEmbeddings: number;
  readonly tokens: {
    readonly bos: number;
    readonly eos: number;
    readonly pad: number;
    readonly visionStart: number;
    readonly visionEnd: number;
    readonly image: number;
    readonly video: number;
  };
  readonly vision: {
    readonly depth: number;
    readonly hiddenSize: number;
    readonly intermediateSize: number;
    readonly heads: number;
    readonly inChannels: number;
    readonly outHiddenSize: number;
    readonly patchSize: number;
    readonly temporalPatchSize: number;
    readonly spatialMergeSize: number;
    /** Side of a local attention window, in pixels. */
    readonly windowSize: number;
    readonly fullAttentionBlocks: readonly number[];
    readonly tokensPerSecond: number;
    readonly initializerRange: number;
  };
}

const count = z.int().positive();
const id = z.int().nonnegative();

const TextFields = z.object({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.optional(),
  hidden_act: z.literal('silu').default('silu'),
  rms_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive().optional(),
  rope_scaling: z.looseObject({ mrope_section: z.array(count).length(3) }).nullish(),
  rope_parameters: z
    .looseObject({
      rope_theta: z.number().positive().optional(),
      mrope_section: z.array(count).length(3).optional(),
    })
    .nullish(),
  use_sliding_window: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().optional(),
  initializer_range: z.number().positive().default(0.02),
  max_position_embeddings: count.default(32768),
  bos_token_id: id.nullish(),
  eos_token_id: z.union([id, z.array(id).nonempty()]).nullish(),
  pad_token_id: id.nullish(),
});

const VisionFields = z.object({
  depth: count,
  hidden_size: count,
  intermediate_size: count,
  num_heads: count,
  hidden_act: z.literal('silu').default('silu'),
  in_channels: count.optional(),
  in_chans: count.optional(),
  out_hidden_size: count,
  patch_size: count.default(14),
  temporal_patch_size: count.default(2),
  spatial_merge_size: count.default(2),
  window_size: count.default(112),
  fullatt_block_indexes: z.array(z.int().nonnegative()).default([7, 15, 23, 31]),
  tokens_per_second: z.number().positive().default(4),
  initializer_range: z.number().positive().optional(),
});

const HuggingFaceConfig = z.looseObject({
  model_type: z.literal('qwen2_5_vl'),
  text_config: z.record(z.string(), z.unknown()).optional(),
  vision_config: VisionFields,
  tie_word_embeddings: z.boolean().optional(),
  vision_start_token_id: id.default(151652),
  vision_end_token_id: id.default(151653),
  image_token_id: id.default(151655),
  video_token_id: id.default(151656),
});

/**
 * Hugging Face's `config.json` of a `qwen2_5_vl` model, in the flat spelling of the released 3B and 7B or with
 * `text_config`, to the normalised {@link PolicyConfig}.
 */
export const PolicyConfig = HuggingFaceConfig.transform((outer, context): PolicyConfig => {
  // Null in text_config means "as outside"; released files carry both spellings.
  const nested = Object.entries(outer.text_config ?? {}).filter(([, value]) => value !== null);
  const parsed = TextFields.safeParse({ ...outer, ...Object.fromEntries(nested) });
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      context.addIssue({
        code: 'custom',
        path: outer.text_config === undefined ? path : ['text_config', ...path],
        message,
      });
    }
    return z.NEVER;
  }
  const text = parsed.data;
  const vision = outer.vision_config;
  const headDim = text.hidden_size / text.num_attention_heads;
  const section = text.rope_scaling?.mrope_section ?? text.rope_parameters?.mrope_section ?? [16, 24, 24];
  const eos = Array.isArray(text.eos_token_id) ? text.eos_token_id[0] : text.eos_token_id;
  const config: PolicyConfig = {
    vocabSize: text.vocab_size,
    hiddenSize: text.hidden_size,
    intermediateSize: text.intermediate_size,
    layers: text.num_hidden_layers,
    heads: text.num_attention_heads,
    keyValueHeads: text.num_key_value_heads ?? text.num_attention_heads,
    headDim,
    rmsNormEps: text.rms_norm_eps,
    ropeTheta: text.rope_theta ?? text.rope_parameters?.rope_theta ?? 1e6,
    mropeSection: [section[0]!, section[1]!, section[2]!],
    tieWordEmbeddings: text.tie_word_embeddings ?? outer.tie_word_embeddings ?? false,
    initializerRange: text.initializer_range,
    maxPositionEmbeddings: text.max_position_embeddings,
    tokens: {
      bos: text.bos_token_id ?? 151643,
      eos: eos ?? 151645,
      pad: text.pad_token_id ?? text.bos_token_id ?? 151643,
      visionStart: outer.vision_start_token_id,
      visionEnd: outer.vision_end_token_id,
      image: outer.image_token_id,
      video: outer.video_token_id,
    },
    vision: {
      depth: vision.depth,
      hiddenSize: vision.hidden_size,
      intermediateSize: vision.intermediate_size,
      heads: vision.num_heads,
      inChannels: vision.in_channels ?? vision.in_chans ?? 3,
      outHiddenSize: vision.out_hidden_size,
      patchSize: vision.patch_size,
      temporalPatchSize: vision.temporal_patch_size,
      spatialMergeSize: vision.spatial_merge_size,
      windowSize: vision.window_size,
      fullAttentionBlocks: [...vision.fullatt_block_indexes].sort((a, b) => a - b),
      tokensPerSecond: vision.tokens_per_second,
      initializerRange: vision.initializer_range ?? text.initializer_range,
    },
  };
  for (const [path, message] of contradictions(config))
    context.addIssue({ code: 'custom', path: [path], message });
  return config;
});

function contradictions(config: PolicyConfig): [field: string, message: string][] {
  const { vision } = config;
  const found: [string, string][] = [];
  const rotary = config.mropeSection[0] + config.mropeSection[1] + config.mropeSection[2];
  if (!Number.isInteger(config.headDim) || config.headDim % 2 !== 0) {
    found.push(['hidden_size', `is not an even multiple of num_attention_heads ${config.heads}`]);
  } else if (rotary !== config.headDim / 2) {
    found.push([
      'rope_scaling',
      `mrope_section adds up to ${rotary}, half the head dimension is ${config.headDim / 2}`,
    ]);
  }
  if (config.heads % config.keyValueHeads !== 0) {
    found.push(['num_key_value_heads', `does not divide num_attention_heads ${config.heads}`]);
  }
  if (vision.outHiddenSize !== config.hiddenSize) {
    found.push([
      'vision_config',
      `out_hidden_size ${vision.outHiddenSize} differs from hidden_size ${config.hiddenSize}`,
    ]);
  }
  if (vision.hiddenSize % (vision.heads * 4) !== 0) {
    found.push([
      'vision_config',
      `hidden_size ${vision.hiddenSize} is no multiple of 4 x num_heads ${vision.heads}`,
    ]);
  }
  if (vision.windowSize < vision.patchSize * vision.spatialMergeSize) {
    found.push(['vision_config', `window_size ${vision.windowSize} is smaller than one merged patch`]);
  }
  return found;
}

/** Parses a `config.json` value; an {@link InputError} `policy.bad-config` names `file` and the first wrong field. */
export function parsePolicyConfig(value: unknown, file: string): PolicyConfig {
  const result = PolicyConfig.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const field = first?.path.join('.') ?? '';
  throw new InputError(
    'policy.bad-config',
    field === '' ? { file } : { file, field },
    first?.message ?? 'invalid',
  );
}

/** The `config.json` that transformers and vLLM read, in the flat spelling of the released checkpoints. */
export function toHuggingFace(config: PolicyConfig): Record<string, unknown> {
  const { tokens, vision } = config;
  return {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    attention_dropout: 0,
    bos_token_id: tokens.bos,
    eos_token_id: tokens.eos,
    pad_token_id: tokens.pad,
    vision_start_token_id: tokens.visionStart,
    vision_end_token_id: tokens.visionEnd,
    vision_token_id: tokens.image,
    image_token_id: tokens.image,
    video_token_id: tokens.video,
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositionEmbeddings,
    max_window_layers: config.layers,
    model_type: 'qwen2_5_vl',
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    rope_scaling: { type: 'mrope', mrope_section: [...config.mropeSection] },
    sliding_window: config.maxPositionEmbeddings,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: 'float32',
    use_cache: true,
    use_sliding_window: false,
    vision_config: {
      model_type: 'qwen2_5_vl',
      depth: vision.depth,
      hidden_act: 'silu',
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.heads,
      in_channels: vision.inChannels,
      in_chans: vision.inChannels,
      out_hidden_size: vision.outHiddenSize,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      spatial_patch_size: vision.patchSize,
      window_size: vision.windowSize,
      fullatt_block_indexes: [...vision.fullAttentionBlocks],
      tokens_per_second: vision.tokensPerSecond,
      temporal_patch_size: vision.temporalPatchSize,
      initializer_range: vision.initializerRange,
    },
    vocab_size: config.vocabSize,
  };
}
