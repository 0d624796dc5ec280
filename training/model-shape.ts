import type { FramesConfig } from '../config/dataset.js';
import type { ModelConfig } from '../config/model.js';
import { parsePolicyConfig, type PolicyConfig } from '../policy/config.js';
import { parameterSpecs } from '../policy/parameters.js';
import { SPECIAL_TOKENS } from '../policy/word-tokenizer.js';
import { scratchConfig } from './scratch-model.js';

/** Words of a `scratch` tokenizer; the real number follows from the texts of the run and hardly matters for the size. */
const scratchVocabulary = 400;

/** The shape of a model that is trained from scratch, before its tokenizer is known. */
export function scratchShape(
  model: Extract<ModelConfig, { kind: 'scratch' }>,
  vocabulary = scratchVocabulary,
): PolicyConfig {
  const specials: readonly string[] = SPECIAL_TOKENS;
  return scratchConfig(model, { size: vocabulary, idOf: (token) => specials.indexOf(token) });
}

/** The released vision tower, the same at every size. */
const releasedVision = { depth: 32, hidden_size: 1280, num_heads: 16, intermediate_size: 3420 };

/** Where they differ, by the names of Hugging Face's config.json. */
const released = {
  '3B': {
    hidden_size: 2048,
    intermediate_size: 11008,
    num_hidden_layers: 36,
    num_attention_heads: 16,
    num_key_value_heads: 2,
    vocab_size: 151936,
    tie_word_embeddings: true,
  },
  '7B': {
    hidden_size: 3584,
    intermediate_size: 18944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    vocab_size: 152064,
    tie_word_embeddings: false,
  },
} as const;

/** The shape of a released Qwen2.5-VL. */
export function releasedShape(size: '3B' | '7B'): PolicyConfig {
  const text = released[size];
  return parsePolicyConfig(
    {
      model_type: 'qwen2_5_vl',
      ...text,
      rms_norm_eps: 1e-6,
      vision_config: { ...releasedVision, out_hidden_size: text.hidden_size },
    },
    `Qwen2.5-VL-${size}`,
  );
}

/** Numbers in the vision tower with its merger, and in the decoder with its embeddings. */
export function parameterCounts(policy: PolicyConfig): { readonly vision: number; readonly text: number } {
  const counts = { vision: 0, text: 0 };
  for (const [name, { shape }] of parameterSpecs(policy)) {
    counts[name.startsWith('visual.') ? 'vision' : 'text'] += shape.reduce((a, b) => a * b, 1);
  }
  return counts;
}

/** Tokens that a video takes in the prompt at most: one per 28x28 pixels of every pair of frames. */
export function videoTokens({ policyFrames, size }: FramesConfig): number {
  const pixels = 'width' in size ? size.width * size.height : size.maxPixels;
  return Math.floor(pixels / (28 * 28)) * (policyFrames / 2);
}
