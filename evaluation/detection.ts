import type { Label } from '../datasets/sample.js';
import type { AnsweredVideo, ScoredAnswer } from './answered-video.js';
import { ratioOf, type Ratio } from './ratio.js';

/** Accuracy, precision, recall and F1 of the verdict; the positive class is Abnormal. */
export interface DetectionMetrics {
  readonly accuracy: Ratio;
  /** Of the videos called Abnormal, the share that is. Undefined when none is called so. */
  readonly precision: Ratio;
  /** Of the Abnormal videos, the share that is called so. */
  readonly recall: Ratio;
  /** 2 tp / (2 tp + fp + fn). */
  readonly f1: Ratio;
}

/** Verdict of one video: a label, `none` (an answer without a usable verdict: wrong), or null (the video is dropped). */
type Verdict = Label | 'none' | null;

/**
 * Policy `all_videos`: every video counts. An answer that is unparsable, missing or a category where a verdict was asked
 * for is wrong, and no prediction of either class: it lowers accuracy, and recall on an Abnormal video, not precision.
 */
export function detectionAllVideos(
  videos: readonly AnsweredVideo[],
  pass: (video: AnsweredVideo) => ScoredAnswer = (video) => video.final,
): DetectionMetrics {
  return detection(videos, (video) => {
    const answer = pass(video);
    return answer.outcome === 'ok' && answer.verdict !== null ? answer.verdict : 'none';
  });
}

/**
 * Policy `vadr1_upstream`: the released Vad-R1 evaluator. A missing `<which>` counts as Abnormal, a video without a
 * prediction is dropped. Figures under it compare with the paper's, not with ours.
 */
export function detectionUpstream(videos: readonly AnsweredVideo[]): DetectionMetrics {
  return detection(videos, (video) => video.upstream?.verdict ?? null);
}

function detection(
  videos: readonly AnsweredVideo[],
  verdictOf: (video: AnsweredVideo) => Verdict,
): DetectionMetrics {
  const count = (score: (truth: Label, verdict: Label | 'none') => readonly [number, number]) =>
    ratioOf(videos, (video) => {
      const verdict = verdictOf(video);
      return verdict === null ? null : score(video.sample.label, verdict);
    });
  return {
    accuracy: count((truth, verdict) => [Number(verdict === truth), 1]),
    precision: count((truth, verdict) =>
      verdict === 'Abnormal' ? [Number(truth === 'Abnormal'), 1] : [0, 0],
    ),
    recall: count((truth, verdict) => (truth === 'Abnormal' ? [Number(verdict === 'Abnormal'), 1] : [0, 0])),
    // Each video adds 2 to both sums when it is a true positive, 1 below when it is a false positive or negative.
    f1: count((truth, verdict) => {
      const positive = verdict === 'Abnormal';
      if (truth === 'Abnormal') return positive ? [2, 2] : [0, 1];
      return positive ? [0, 1] : [0, 0];
    }),
  };
}
