import type { AnswerOutcome as ParsedOutcome } from '../datasets/answer.js';
import type { Label, Sample, Span } from '../datasets/sample.js';

/** How reading an answer went (datasets/answer.ts), or that there was none; every one but `ok` is wrong in our policies. */
export type AnswerOutcome = ParsedOutcome | 'missing-prediction';

/** Each outcome in words; the order is the one of tables. */
export const outcomeMeanings: Readonly<Record<AnswerOutcome, string>> = {
  ok: 'a verdict was read',
  'missing-which': 'no readable <which>',
  'repeated-tag': 'a tag stands twice',
  'category-for-verdict': 'a category where Abnormal or Normal was asked for',
  'not-a-verdict': '<which> is neither Abnormal nor Normal',
  'not-a-category': '<which> is no known category',
  'missing-pass': 'no second pass after the first answer',
  'missing-prediction': 'no prediction',
};

export const answerOutcomes = Object.keys(outcomeMeanings) as [AnswerOutcome, ...AnswerOutcome[]];

/**
 * The four ways that tables tell apart: `category` answers a question that was not asked, `unparsable` cannot be read,
 * `missing` is not there.
 */
export function outcomeKind(outcome: AnswerOutcome): 'ok' | 'category' | 'unparsable' | 'missing' {
  switch (outcome) {
    case 'ok':
      return 'ok';
    case 'category-for-verdict':
      return 'category';
    case 'missing-prediction':
      return 'missing';
    case 'missing-which':
    case 'repeated-tag':
    case 'not-a-verdict':
    case 'not-a-category':
    case 'missing-pass':
      return 'unparsable';
  }
}

/** One pass of an answer, as our own evaluator reads it. */
export interface ScoredAnswer {
  readonly outcome: AnswerOutcome;
  /** Null unless the outcome is `ok`. */
  readonly verdict: Label | null;
  /** Null when Normal is predicted or no valid span was given. */
  readonly span: Span | null;
}

/** The same answer as the released Vad-R1 evaluator reads it: it always finds a verdict and a span. */
export interface UpstreamAnswer {
  readonly verdict: Label;
  /** [0, 1] on Normal, [0, 0] when `<when>` is missing or invalid. */
  readonly span: readonly [number, number];
}

/** A benchmark video with one checkpoint's answer to it: what every metric is computed from. */
export interface AnsweredVideo {
  readonly sample: Sample;
  readonly final: ScoredAnswer;
  /** The first pass of a reflective completion; null in single-pass shape. */
  readonly first: ScoredAnswer | null;
  /** Null without a prediction: the released evaluator drops such a video. */
  readonly upstream: UpstreamAnswer | null;
  /** The completion hit the token limit. */
  readonly truncated: boolean;
  /** The completion follows the tag grammar of its shape, all of it. */
  readonly formatValid: boolean;
  /** A non-empty reflection is present. */
  readonly reflection: boolean;
  readonly words: number;
  readonly tokens: number;
}

/** The answer of a video that has no prediction. */
export const missingAnswer: ScoredAnswer = { outcome: 'missing-prediction', verdict: null, span: null };

/** True when the answer is readable and names the video's label. */
export function isRight(answer: ScoredAnswer, truth: Label): boolean {
  return answer.outcome === 'ok' && answer.verdict === truth;
}
