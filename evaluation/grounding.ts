import { hull, intervalIoU } from '../datasets/interval.js';
import type { Sample, Span } from '../datasets/sample.js';
import type { AnsweredVideo, ScoredAnswer } from './answered-video.js';
import { meanOf, type Ratio } from './ratio.js';

/** The thresholds of R@k. */
export const recallThresholds = [0.3, 0.5, 0.7] as const;

/** Mean interval IoU and, for each threshold k, the share of scored videos with IoU >= k. */
export interface GroundingMetrics {
  readonly miou: Ratio;
  readonly 'r@0.3': Ratio;
  readonly 'r@0.5': Ratio;
  readonly 'r@0.7': Ratio;
}

/**
 * IoU of one video under `all_videos`: 1 when Normal is rightly called Normal, 0 when the class is wrong or the answer is
 * unusable or has no span, else predicted span against the union of the true ones. Null, not scored, when the truth is
 * Abnormal without an annotated span.
 */
export function iouAllVideos(sample: Sample, answer: ScoredAnswer): number | null {
  if (sample.label === 'Normal') return answer.outcome === 'ok' && answer.verdict === 'Normal' ? 1 : 0;
  if (sample.spans.length === 0) return null;
  return iouAbnormal(sample.spans, answer);
}

/** Policy `all_videos`: ours; every video counts, an unusable answer scores 0. */
export function groundingAllVideos(videos: readonly AnsweredVideo[]): GroundingMetrics {
  return grounding(videos, (video) => iouAllVideos(video.sample, video.final));
}

/**
 * Policy `abnormal_only`: truth-Abnormal videos only, as VAU-R1 reports it. Saying Normal, an unusable answer and a
 * missing span score 0.
 */
export function groundingAbnormalOnly(
  videos: readonly AnsweredVideo[],
  pass: (video: AnsweredVideo) => ScoredAnswer = (video) => video.final,
): GroundingMetrics {
  return grounding(videos, (video) =>
    video.sample.label === 'Normal' || video.sample.spans.length === 0
      ? null
      : iouAbnormal(video.sample.spans, pass(video)),
  );
}

/**
 * Policy `vadr1_upstream`: the released Vad-R1 evaluator. Normal, true or predicted, is the span [0, 1], so a right Normal
 * scores 1; a wrong class scores 0; a video without a prediction is dropped; IoU divides by the hull. Its files hold one
 * span a video, so several true spans become their hull here, and only here.
 */
export function groundingUpstream(videos: readonly AnsweredVideo[]): GroundingMetrics {
  return grounding(videos, ({ sample, upstream }) => {
    if (upstream === null) return null;
    const truth = sample.label === 'Normal' ? ([0, 1] as const) : hull(sample.spans);
    if (truth === null) return null;
    return upstream.verdict === sample.label ? hullIou(upstream.span, truth) : 0;
  });
}

function grounding(
  videos: readonly AnsweredVideo[],
  iouOf: (video: AnsweredVideo) => number | null,
): GroundingMetrics {
  const recall = (threshold: number) =>
    meanOf(videos, (video) => {
      const iou = iouOf(video);
      return iou === null ? null : Number(iou >= threshold);
    });
  return { miou: meanOf(videos, iouOf), 'r@0.3': recall(0.3), 'r@0.5': recall(0.5), 'r@0.7': recall(0.7) };
}

function iouAbnormal(truth: readonly Span[], answer: ScoredAnswer): number {
  if (answer.outcome !== 'ok' || answer.verdict !== 'Abnormal' || answer.span === null) return 0;
  return intervalIoU(answer.span, truth);
}

function hullIou(predicted: readonly [number, number], truth: readonly [number, number]): number {
  const shared = Math.min(predicted[1], truth[1]) - Math.max(predicted[0], truth[0]);
  const whole = Math.max(predicted[1], truth[1]) - Math.min(predicted[0], truth[0]);
  return whole > 0 ? Math.max(shared, 0) / whole : 0;
}
