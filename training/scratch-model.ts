import type { ModelConfig } from '../config/model.js';
import type { PromptTexts } from '../config/schema.js';
import { abnormalFields, steps } from '../datasets/write-answer.js';
import { parsePolicyConfig, type PolicyConfig } from '../policy/config.js';
import type { Tokenizer } from '../policy/tokenizer.js';
import { trainWordTokenizer } from '../policy/word-tokenizer.js';
import type { Target } from '../datasets/target.js';

type Scratch = Extract<ModelConfig, { kind: 'scratch' }>;

/**
 * The word tokenizer of a from-scratch run: every word of the targets, of the prompts and of what later stages write, and
 * every tag of the grammar. Made once, at SFT; later stages read it from the model folder.
 */
export function scratchTokenizer(
  targets: readonly Target[],
  prompts: PromptTexts,
  extraWords: readonly string[],
): Tokenizer {
  const tags = ['think', 'answer', 'reflection', ...steps, ...abnormalFields];
  return trainWordTokenizer(
    [
      ...targets.flatMap((t) => [t.verdict, t.categoryCompletion, ...t.words]),
      prompts.verdict,
      prompts.category,
      prompts.reflective,
      ...extraWords,
    ],
    tags.flatMap((tag) => [`<${tag}>`, `</${tag}>`]),
  );
}

/**
 * The Qwen2.5-VL config of a from-scratch model over a tokenizer; an InputError `policy.bad-config` where the sizes do
 * not fit each other.
 */
export function scratchConfig(model: Scratch, tokenizer: Pick<Tokenizer, 'size' | 'idOf'>): PolicyConfig {
  const { text, vision, initializerRange } = model;
  return parsePolicyConfig(
    {
      model_type: 'qwen2_5_vl',
      vocab_size: tokenizer.size,
      hidden_size: text.hiddenSize,
      intermediate_size: text.intermediateSize,
      num_hidden_layers: text.layers,
      num_attention_heads: text.heads,
      num_key_value_heads: text.keyValueHeads,
      rms_norm_eps: 1e-6,
      rope_theta: text.ropeTheta,
      rope_scaling: { type: 'mrope', mrope_section: text.mropeSection },
      tie_word_embeddings: true,
      initializer_range: initializerRange,
      bos_token_id: tokenizer.idOf('<|im_start|>'),
      eos_token_id: tokenizer.idOf('<|im_end|>'),
      pad_token_id: tokenizer.idOf('<|endoftext|>'),
      vision_start_token_id: tokenizer.idOf('<|vision_start|>'),
      vision_end_token_id: tokenizer.idOf('<|vision_end|>'),
      image_token_id: tokenizer.idOf('<|image_pad|>'),
      video_token_id: tokenizer.idOf('<|video_pad|>'),
      vision_config: {
        depth: vision.depth,
        hidden_size: vision.hiddenSize,
        intermediate_size: vision.intermediateSize,
        num_heads: vision.heads,
        out_hidden_size: text.hiddenSize,
        window_size: vision.windowSize,
        fullatt_block_indexes: vision.fullAttentionBlocks,
        tokens_per_second: vision.tokensPerSecond,
        initializer_range: initializerRange,
      },
    },
    'the config section model',
  );
}
