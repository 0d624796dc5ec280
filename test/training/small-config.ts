import { parsePolicyConfig } from '../../policy/config.js';

/** A policy of one layer and one block over 40 tokens. */
export const smallConfig = parsePolicyConfig(
  {
    model_type: 'qwen2_5_vl',
    vocab_size: 40,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    rope_scaling: { mrope_section: [2, 3, 3] },
    rope_theta: 10000,
    tie_word_embeddings: true,
    initializer_range: 0.06,
    video_token_id: 5,
    image_token_id: 6,
    bos_token_id: 1,
    eos_token_id: 2,
    pad_token_id: 0,
    vision_start_token_id: 7,
    vision_end_token_id: 8,
    vision_config: {
      depth: 1,
      hidden_size: 16,
      intermediate_size: 24,
      num_heads: 1,
      out_hidden_size: 32,
      window_size: 28,
      fullatt_block_indexes: [0],
      initializer_range: 0.06,
    },
  },
  'test',
);
