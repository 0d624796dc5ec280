import { answersTwice, type CompletionShape } from '../datasets/answer.js';
import type { Sample } from '../datasets/sample.js';
import { isRight, type AnsweredVideo, type ScoredAnswer } from './answered-video.js';
import { iouAllVideos } from './grounding.js';
import { firstPass } from './reflection.js';
import type { PerSample } from './result.js';

interface Tested {
  readonly checkpoint: string;
  readonly shape: CompletionShape;
  /** In the order of the samples. */
  readonly videos: readonly AnsweredVideo[];
}

/** The rows of `per-sample.jsonl`, in the order of the samples. */
export function perSampleRows(samples: readonly Sample[], tested: readonly Tested[]): PerSample[] {
  return samples.map((sample, position) => ({
    sampleId: sample.id,
    truth: { label: sample.label, category: sample.category, spans: sample.spans },
    seconds: Math.round((sample.frames / sample.fps) * 1000) / 1000,
    checkpoints: Object.fromEntries(
      tested.map(({ checkpoint, shape, videos }) => {
        const video = videos[position]!;
        const { truncated, formatValid, words, tokens } = video;
        const first = answersTwice(shape) ? scored(sample, firstPass(video)) : null;
        return [checkpoint, { ...scored(sample, video.final), truncated, formatValid, words, tokens, first }];
      }),
    ),
  }));
}

function scored(sample: Sample, answer: ScoredAnswer) {
  const iou = iouAllVideos(sample, answer);
  return {
    outcome: answer.outcome,
    verdict: answer.verdict,
    span: answer.span,
    right: isRight(answer, sample.label),
    iou: iou === null ? null : Math.round(iou * 1e6) / 1e6,
  };
}
