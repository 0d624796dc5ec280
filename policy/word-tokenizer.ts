import { Tokenizer } from './tokenizer.js';

/** Control tokens of Qwen2.5-VL, in the order of their ids here; `<|endoftext|>` is the padding. */
export const SPECIAL_TOKENS = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  '<|video_pad|>',
  '<unk>',
] as const;

/** The chat template's own words, which every vocabulary needs. */
const TEMPLATE_WORDS = ['system', 'user', 'assistant'];

/** A tag; a decimal number; a word, with inner hyphens and apostrophes; any other single character. */
const PIECE = String.raw`</?[A-Za-z][A-Za-z0-9_-]*>|\d+\.\d+|[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}][\p{L}\p{M}\p{N}_]*)*|[^\s]`;

/**
 * A word-level tokenizer for models trained from scratch on a run's own text: one token per word, number and tag,
 * punctuation apart, anything unseen is `<unk>`. Byte-pair merges would split the numbers that the answers copy.
 * Decoding joins with single spaces, and encoding that gives the same ids. Ids depend only on the set of words.
 */
export function trainWordTokenizer(texts: Iterable<string>, extraTokens: readonly string[] = []): Tokenizer {
  const words = new Set<string>([...TEMPLATE_WORDS, ...extraTokens]);
  const pattern = new RegExp(PIECE, 'gu');
  for (const text of texts) for (const [word] of withoutSpecials(text).matchAll(pattern)) words.add(word);
  for (const special of SPECIAL_TOKENS) words.delete(special);
  const sorted = [...words].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const vocabulary = [...SPECIAL_TOKENS, ...sorted];
  return Tokenizer.fromJson(
    {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: SPECIAL_TOKENS.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        // <unk> stands for a word, so decoding keeps it.
        special: content !== '<unk>',
      })),
      normalizer: null,
      pre_tokenizer: { type: 'Split', pattern: { Regex: PIECE }, behavior: 'Removed', invert: true },
      post_processor: null,
      decoder: null,
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
        unk_token: '<unk>',
      },
    },
    {
      tokenizer_class: 'PreTrainedTokenizerFast',
      // Without it the class adds token_type_ids, which the model refuses.
      model_input_names: ['input_ids', 'attention_mask'],
      clean_up_tokenization_spaces: false,
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      unk_token: '<unk>',
      chat_template: CHAT_TEMPLATE,
    },
  );
}

const withoutSpecials = (text: string): string =>
  SPECIAL_TOKENS.reduce((rest, special) => rest.replaceAll(special, ' '), text);

/** Qwen2.5-VL's template without its default system turn, which the policy is not trained with. */
const CHAT_TEMPLATE =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n" +
  "{% if message['content'] is string %}{{ message['content'] }}" +
  "{% else %}{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>" +
  "{% elif content['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>" +
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n" +
  '{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';
