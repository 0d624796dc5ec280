import type { Label, Span } from '../../datasets/sample.js';

/** One pass of a completion, as far as rewards look at it. */
export interface PassAnswer {
  /** What `<which>` says; null when it is missing, doubled or names a category. */
  readonly verdict: Label | null;
  /** What `<when>` says, if it is a valid span; fractions of the video, start < end. */
  readonly span: Span | null;
}

/** A completion, parsed, with the lengths that rewards need. */
export interface ScoredCompletion {
  readonly formatValid: boolean;
  /** In single-pass shape the same as `final`. */
  readonly first: PassAnswer;
  /** Without verdict and span when a reflective completion has no second pass. */
  readonly final: PassAnswer;
  readonly words: number;
  /** Tokens of the whole completion, the end of turn included where there is one. */
  readonly tokens: number;
  /** Token ids of the first pass. */
  readonly firstTokens: readonly number[];
  /** Token ids inside `<reflection>`; null when it is missing or empty. */
  readonly reflectionTokens: readonly number[] | null;
}

/**
 * What the policy said when the video was shown again without the predicted segment:
 * `abstain` the check does not apply, `nothing` it applies but no check was possible (an invalid span, or one that
 * removes no frame), else the new verdict, null when it could not be read.
 */
export type CutOutcome =
  | { readonly kind: 'abstain' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'answered'; readonly verdict: Label | null };

/** What all completions of one prompt are rewarded with: the truth, and the cut of each completion's own prediction. */
export interface GroupContext {
  readonly label: Label;
  /** Every annotated span; empty on Normal and where rewards may not see spans. */
  readonly spans: readonly Span[];
  /** One per completion, in the same order; empty when the preset does not verify. */
  readonly cuts: readonly CutOutcome[];
}

/** A reward of a whole group: one value per completion, null where it abstains. */
export type Reward = (completions: readonly ScoredCompletion[], context: GroupContext) => (number | null)[];

/** True when a pass names the true label. */
export function isRight(answer: PassAnswer, label: Label): boolean {
  return answer.verdict === label;
}
