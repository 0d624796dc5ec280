import { answerOutcomes, outcomeKind, type AnsweredVideo, type AnswerOutcome } from './answered-video.js';
import { meanOf, type Ratio } from './ratio.js';

/** Shares of all videos. */
export interface FormatMetrics {
  /** The whole completion follows the tag grammar of its shape. A missing prediction does not. */
  readonly valid: Ratio;
  /** Hit the token limit before its end. */
  readonly truncated: Ratio;
  readonly unparsable: Ratio;
  /** A category where a verdict was asked for. */
  readonly category: Ratio;
  readonly missing: Ratio;
}

/** How well-formed the answers are. */
export function formatMetrics(videos: readonly AnsweredVideo[]): FormatMetrics {
  const outcome = (wanted: ReturnType<typeof outcomeKind>) =>
    meanOf(videos, (video) => Number(outcomeKind(video.final.outcome) === wanted));
  return {
    valid: meanOf(videos, (video) => Number(video.formatValid)),
    truncated: meanOf(videos, (video) => Number(video.truncated)),
    unparsable: outcome('unparsable'),
    category: outcome('category'),
    missing: outcome('missing'),
  };
}

/** Number of videos with each outcome; every outcome is named, also those that did not occur. */
export function outcomeCounts(videos: readonly AnsweredVideo[]): Record<AnswerOutcome, number> {
  const counts = Object.fromEntries(answerOutcomes.map((outcome) => [outcome, 0])) as Record<
    AnswerOutcome,
    number
  >;
  for (const video of videos) counts[video.final.outcome]++;
  return counts;
}
