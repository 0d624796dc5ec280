import { isRight, missingAnswer, type AnsweredVideo, type ScoredAnswer } from './answered-video.js';
import { meanOf, type Ratio } from './ratio.js';

/** How verdicts moved between the first answer and the final one, in videos. */
export interface ReflectionTransitions {
  readonly rightToRight: number;
  readonly rightToWrong: number;
  readonly wrongToRight: number;
  readonly wrongToWrong: number;
}

/** What reflecting did; all over every video, an unusable pass counts as wrong. */
export interface ReflectionMetrics {
  readonly firstAccuracy: Ratio;
  /** Final accuracy minus first accuracy. */
  readonly gain: Ratio;
  readonly wrongToRight: Ratio;
  readonly rightToWrong: Ratio;
  /** Share of videos whose answer holds a non-empty reflection. */
  readonly present: Ratio;
}

/** The first pass of a reflective answer; missing where the prediction is. */
export function firstPass(video: AnsweredVideo): ScoredAnswer {
  return video.first ?? missingAnswer;
}

/** Metrics of reflection; call it for reflective checkpoints only. */
export function reflectionMetrics(videos: readonly AnsweredVideo[]): ReflectionMetrics {
  const first = (video: AnsweredVideo) => Number(isRight(firstPass(video), video.sample.label));
  const final = (video: AnsweredVideo) => Number(isRight(video.final, video.sample.label));
  return {
    firstAccuracy: meanOf(videos, first),
    gain: meanOf(videos, (video) => final(video) - first(video)),
    wrongToRight: meanOf(videos, (video) => Number(first(video) === 0 && final(video) === 1)),
    rightToWrong: meanOf(videos, (video) => Number(first(video) === 1 && final(video) === 0)),
    present: meanOf(videos, (video) => Number(video.reflection)),
  };
}

/** The four cells of the transition table; they add up to the number of videos. */
export function reflectionTransitions(videos: readonly AnsweredVideo[]): ReflectionTransitions {
  const cells = { rightToRight: 0, rightToWrong: 0, wrongToRight: 0, wrongToWrong: 0 };
  for (const video of videos) {
    const first = isRight(firstPass(video), video.sample.label);
    const final = isRight(video.final, video.sample.label);
    if (first) cells[final ? 'rightToRight' : 'rightToWrong']++;
    else cells[final ? 'wrongToRight' : 'wrongToWrong']++;
  }
  return cells;
}
