import {
  answersTwice,
  parseCompletion,
  type CompletionShape,
  type ParsedAnswer,
} from '../datasets/answer.js';
import type { Sample } from '../datasets/sample.js';
import type { Prediction } from '../datasets/target.js';
import { missingAnswer, type AnsweredVideo, type ScoredAnswer } from './answered-video.js';
import { readAsUpstream } from './upstream.js';

/** Reads one checkpoint's prediction for a sample; `undefined` when there is none. Evaluation asks for the verdict. */
export function answerVideo(
  sample: Sample,
  prediction: Prediction | undefined,
  shape: CompletionShape,
): AnsweredVideo {
  if (prediction === undefined) {
    return {
      sample,
      final: missingAnswer,
      first: answersTwice(shape) ? missingAnswer : null,
      upstream: null,
      truncated: false,
      formatValid: false,
      reflection: false,
      words: 0,
      tokens: 0,
    };
  }
  const parsed = parseCompletion(prediction.text, { prompt: 'verdict', shape });
  return {
    sample,
    final: scoredAnswer(parsed.final),
    first: answersTwice(shape) ? scoredAnswer(parsed.first) : null,
    upstream: readAsUpstream(parsed.passes.at(-1)?.text ?? ''),
    truncated: prediction.finish === 'length',
    formatValid: parsed.formatValid,
    reflection: parsed.reflection !== null,
    words: parsed.words,
    tokens: prediction.tokens,
  };
}

function scoredAnswer({ outcome, verdict, span }: ParsedAnswer): ScoredAnswer {
  return { outcome, verdict, span };
}
