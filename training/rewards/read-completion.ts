import { parseCompletion, type CompletionShape, type ParsedAnswer } from '../../datasets/answer.js';
import type { Tokenizer } from '../../policy/tokenizer.js';
import type { PassAnswer, ScoredCompletion } from './reward.js';

const passAnswer = ({ verdict, span }: ParsedAnswer): PassAnswer => ({ verdict, span });

/**
 * Parses a completion under a verdict prompt and measures what rewards look at.
 * @param tokens of the whole completion, end of turn included
 */
export function readCompletion(
  text: string,
  tokens: number,
  shape: CompletionShape,
  tokenizer: Tokenizer,
): ScoredCompletion {
  const parsed = parseCompletion(text, { prompt: 'verdict', shape });
  return {
    formatValid: parsed.formatValid,
    first: passAnswer(parsed.first),
    final: passAnswer(parsed.final),
    words: parsed.words,
    tokens,
    firstTokens: tokenizer.encode(parsed.passes[0]?.text.trim() ?? ''),
    reflectionTokens: parsed.reflection === null ? null : tokenizer.encode(parsed.reflection),
  };
}
