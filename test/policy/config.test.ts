import { describe, expect, it } from 'vitest';
import { parsePolicyConfig, toHuggingFace } from '../../policy/config.js';
import { parameterCount, parameterSpecs } from '../../policy/parameters.js';
import { tinyConfig } from './tiny.js';

/** config.json of Qwen/Qwen2.5-VL-3B-Instruct, as released. */
const released = {
  architectures: ['Qwen2_5_VLForConditionalGeneration'],
  attention_dropout: 0,
  bos_token_id: 151643,
  eos_token_id: 151645,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  vision_token_id: 151654,
  image_token_id: 151655,
  video_token_id: 151656,
  hidden_act: 'silu',
  hidden_size: 2048,
  initializer_range: 0.02,
  intermediate_size: 11008,
  max_position_embeddings: 128000,
  max_window_layers: 70,
  model_type: 'qwen2_5_vl',
  num_attention_heads: 16,
  num_hidden_layers: 36,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  sliding_window: 32768,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_cache: true,
  use_sliding_window: false,
  vision_config: {
    depth: 32,
    hidden_act: 'silu',
    hidden_size: 1280,
    intermediate_size: 3420,
    num_heads: 16,
    in_chans: 3,
    out_hidden_size: 2048,
    patch_size: 14,
    spatial_merge_size: 2,
    spatial_patch_size: 14,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
    tokens_per_second: 2,
    temporal_patch_size: 2,
  },
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
  vocab_size: 151936,
};

describe('parsePolicyConfig', () => {
  it('reads the released 3B and counts its published parameters', () => {
    const config = parsePolicyConfig(released, 'config.json');
    expect(config).toMatchObject({
      headDim: 128,
      keyValueHeads: 2,
      mropeSection: [16, 24, 24],
      tieWordEmbeddings: true,
    });
    expect(config.vision.fullAttentionBlocks).toEqual([7, 15, 23, 31]);
    // model.safetensors.index.json of the release: total_size 7509245952 bytes of bfloat16.
    expect(parameterCount(config) * 2).toBe(7509245952);
  });

  it('reads the nested spelling to the same config', () => {
    const { vision_config, vocab_size, hidden_size, rope_scaling, ...rest } = released;
    const nested = { ...rest, vision_config, text_config: { vocab_size, hidden_size, rope_scaling } };
    expect(parsePolicyConfig(nested, 'config.json')).toEqual(parsePolicyConfig(released, 'config.json'));
  });

  it('returns from its own Hugging Face spelling', () => {
    for (const config of [tinyConfig, { ...tinyConfig, tieWordEmbeddings: false }]) {
      expect(parsePolicyConfig(toHuggingFace(config), 'config.json')).toEqual(config);
    }
  });

  it('names the file and the field that is wrong', () => {
    const wrong: [object, RegExp][] = [
      [{ ...released, model_type: 'qwen2_vl' }, /config.json: model_type/],
      [{ ...released, hidden_size: 'big' }, /hidden_size/],
      [{ ...released, rope_scaling: { mrope_section: [16, 24, 23] } }, /adds up to 63/],
      [{ ...released, num_key_value_heads: 3 }, /does not divide/],
      [
        { ...released, vision_config: { ...released.vision_config, out_hidden_size: 5 } },
        /out_hidden_size 5/,
      ],
      [{ ...released, vision_config: undefined }, /vision_config/],
      [{ ...released, use_sliding_window: true }, /use_sliding_window/],
    ];
    for (const [value, message] of wrong)
      expect(() => parsePolicyConfig(value, 'config.json')).toThrow(message);
  });
});

describe('parameterSpecs', () => {
  it('has an output head exactly when embeddings are untied', () => {
    expect(parameterSpecs(tinyConfig).has('lm_head.weight')).toBe(false);
    expect(parameterSpecs({ ...tinyConfig, tieWordEmbeddings: false }).get('lm_head.weight')?.shape).toEqual([
      40, 32,
    ]);
  });
});
