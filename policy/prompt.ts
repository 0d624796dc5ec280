import { TerminalError } from '../core/errors.js';
import type { Tokenizer } from './tokenizer.js';

const PAD = '<|video_pad|>';

/**
 * The token ids that ask about one video: Qwen's ChatML with a user turn (video, then text) and the start of the
 * assistant's. Qwen2.5-VL's default system turn is written only when given.
 *
 * @param videoTokens placeholders, one per merged patch
 * @throws TerminalError `policy.bad-prompt` when the text itself holds control tokens
 */
export function buildPrompt(
  tokenizer: Tokenizer,
  text: string,
  videoTokens: number,
  { system }: { readonly system?: string } = {},
): number[] {
  for (const part of [text, system ?? '']) {
    const control = /<\|[a-z_]+\|>/.exec(part);
    if (control)
      throw new TerminalError('policy.bad-prompt', `the prompt text holds the control token ${control[0]}`);
  }
  const before = system === undefined ? '' : `<|im_start|>system\n${system}<|im_end|>\n`;
  const video = `<|vision_start|>${PAD}<|vision_end|>`;
  const ids = tokenizer.encode(
    `${before}<|im_start|>user\n${video}${text}<|im_end|>\n<|im_start|>assistant\n`,
  );
  const at = ids.indexOf(tokenizer.idOf(PAD));
  return [...ids.slice(0, at), ...new Array<number>(videoTokens).fill(ids[at]!), ...ids.slice(at + 1)];
}

/** A completion's ids with the end of the turn, as it is trained and as `generate` returns it. */
export function encodeCompletion(tokenizer: Tokenizer, text: string): number[] {
  return [...tokenizer.encode(text), tokenizer.idOf('<|im_end|>')];
}
