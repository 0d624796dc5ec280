import type { Label } from '../../datasets/sample.js';
import { isRight, type Reward, type ScoredCompletion } from './reward.js';

/** A first pass shorter than this earns no length term: its multiples would be reached by a few words. */
const shortestFirstPass = 8;
/** What `guarded` asks of a reflection. */
const shortestReflection = 12;
const mostOverlap = 0.8;

/** By what the reflection did to the answer: right to right, wrong to right, wrong to wrong, right to wrong. */
function effect(completion: ScoredCompletion, label: Label): number {
  const before = isRight(completion.first, label);
  const after = isRight(completion.final, label);
  if (before) return after ? 0.25 : -0.25;
  return after ? 0.5 : 0;
}

/** Share of the 4-grams of `text` that also stand in `source`; 1 when `text` has none. */
export function fourGramOverlap(text: readonly number[], source: readonly number[]): number {
  const grams = (ids: readonly number[]): string[] =>
    Array.from({ length: Math.max(0, ids.length - 3) }, (_, i) => ids.slice(i, i + 4).join(' '));
  const known = new Set(grams(source));
  const own = grams(text);
  return own.length === 0 ? 1 : own.filter((gram) => known.has(gram)).length / own.length;
}

/**
 * SRPO's reflection reward in its published form (arXiv 2506.01713): I_eff + I_ref + alpha * f_len. Its task term is the
 * format and the first-answer accuracy reward at half weight each. The sandbagging values of the released code (1.6 for
 * wrong to right) are not offered.
 *
 * `guarded` also wants a reflection of at least 12 tokens of which less than 80% of the 4-grams are copied from the
 * first pass; else it counts as missing.
 */
export function reflection(options: { readonly alpha: number; readonly mode: 'paper' | 'guarded' }): Reward {
  return (completions, { label }) =>
    completions.map((completion) => {
      const present = hasReflection(completion, options.mode);
      return effect(completion, label) + (present ? 0.25 + options.alpha * lengthTerm(completion) : 0);
    });
}

function hasReflection(
  { reflectionTokens, firstTokens }: ScoredCompletion,
  mode: 'paper' | 'guarded',
): boolean {
  if (reflectionTokens === null) return false;
  if (mode === 'paper') return true;
  return (
    reflectionTokens.length >= shortestReflection &&
    fourGramOverlap(reflectionTokens, firstTokens) < mostOverlap
  );
}

/** f_len = exp(-((L - T_target) / (T_max - T_target))^2), T_target 2 and T_max 2.5 times the length of the first pass. */
function lengthTerm({ tokens, firstTokens }: ScoredCompletion): number {
  const first = firstTokens.length;
  if (first < shortestFirstPass) return 0;
  return Math.exp(-(((tokens - 2 * first) / (0.5 * first)) ** 2));
}
