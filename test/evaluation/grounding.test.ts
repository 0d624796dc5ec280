import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import type { Span } from '../../datasets/sample.js';
import { missingAnswer, type AnsweredVideo } from '../../evaluation/answered-video.js';
import {
  groundingAbnormalOnly,
  groundingAllVideos,
  groundingUpstream,
  type GroundingMetrics,
} from '../../evaluation/grounding.js';
import { ratioValue, scoredCount } from '../../evaluation/ratio.js';
import { abnormal, answered, normal, randomSpan, testSample, unparsable } from './videos.js';

const values = (metrics: GroundingMetrics) => [
  ratioValue(metrics.miou),
  ratioValue(metrics['r@0.3']),
  ratioValue(metrics['r@0.5']),
  ratioValue(metrics['r@0.7']),
];

/** IoU with the truth: a .5 exactly, b 0 (no span), e 0 (Normal said), h .25 with a gap between two true spans. */
const eight: AnsweredVideo[] = [
  answered(testSample('a', 'Abnormal', [[0, 0.5]]), abnormal([0, 0.25])),
  answered(testSample('b', 'Abnormal', [[0, 0.5]]), abnormal(null)),
  answered(testSample('c', 'Normal'), normal),
  answered(testSample('d', 'Normal'), abnormal([0, 1])),
  answered(testSample('e', 'Abnormal', [[0.25, 0.75]]), normal),
  answered(testSample('f', 'Normal'), unparsable),
  answered(testSample('g', 'Abnormal', [[0, 0.5]]), missingAnswer),
  answered(
    testSample('h', 'Abnormal', [
      [0, 0.125],
      [0.875, 1],
    ]),
    abnormal([0, 1]),
  ),
];

describe('grounding, hand-computed', () => {
  it('all_videos: a right Normal scores 1, a wrong or unusable answer 0, several true spans are their union', () => {
    expect(values(groundingAllVideos(eight))).toEqual([1.75 / 8, 2 / 8, 2 / 8, 1 / 8]);
  });

  it('abnormal_only: the five Abnormal videos', () => {
    expect(values(groundingAbnormalOnly(eight))).toEqual([0.75 / 5, 1 / 5, 1 / 5, 0]);
  });

  it('vadr1_upstream: drops g, and takes two true spans for their hull', () => {
    // a .5, b [0,0] 0, c 1, d 0, e 0, f Abnormal on Normal 0, h 1
    expect(values(groundingUpstream(eight))).toEqual([2.5 / 7, 3 / 7, 3 / 7, 2 / 7]);
  });

  it('scores no Abnormal video without an annotated span, under any policy', () => {
    const bare = [answered(testSample('x', 'Abnormal'), abnormal([0, 1]))];
    for (const policy of [groundingAllVideos, groundingAbnormalOnly, groundingUpstream]) {
      expect(scoredCount(policy(bare).miou)).toBe(0);
      expect(ratioValue(policy(bare).miou)).toBeNull();
    }
  });

  it('can ground the first pass', () => {
    const first = eight.map((video) => ({ ...video, first: abnormal([0, 0.5]) }));
    const metrics = groundingAbnormalOnly(first, (video) => video.first!);
    // a, b, g 1; e .25/.75; h .125/.625
    expect(ratioValue(metrics.miou)).toBeCloseTo((3 + 1 / 3 + 0.2) / 5, 12);
  });
});

/** IoU by counting cells of a fine grid: shares no code with the intervals. */
function cellIou(predicted: Span | null, truth: readonly Span[], cells = 16): number {
  let shared = 0;
  let either = 0;
  for (let cell = 0; cell < cells; cell++) {
    const middle = (cell + 0.5) / cells;
    const inside = ([start, end]: Span) => middle > start && middle < end;
    const said = predicted !== null && inside(predicted);
    const is = truth.some(inside);
    if (said && is) shared++;
    if (said || is) either++;
  }
  return either === 0 ? 0 : shared / either;
}

describe('grounding against counting cells', () => {
  it('agrees on random spans under all three policies', () => {
    const random = Random.from(2, 'grounding test');
    for (let round = 0; round < 30; round++) {
      const videos = Array.from({ length: 20 }, (_, index) => {
        const isAbnormal = random.chance(0.6);
        const spans = isAbnormal
          ? Array.from({ length: 1 + random.integer(3) }, () => randomSpan(random))
          : [];
        const answer = random.choice([
          normal,
          abnormal(randomSpan(random)),
          abnormal(null),
          unparsable,
          missingAnswer,
        ]);
        return answered(testSample(`v${index}`, isAbnormal ? 'Abnormal' : 'Normal', spans), answer);
      });
      const truths = videos.filter(({ sample }) => sample.label === 'Abnormal');
      const iou = ({ sample, final }: AnsweredVideo) => cellIou(final.span, sample.spans);
      const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
      const share = (list: number[], k: number) => list.filter((value) => value >= k).length / list.length;

      const only = truths.map(iou);
      const all = videos.map((video) =>
        video.sample.label === 'Normal' ? Number(video.final.verdict === 'Normal') : iou(video),
      );
      const upstream = videos
        .filter(({ final }) => final.outcome !== 'missing-prediction')
        .map(({ sample, final }) => {
          if (sample.label === 'Normal') return Number(final.verdict === 'Normal');
          if (final.verdict === 'Normal') return 0;
          const starts = sample.spans.map(([start]) => start);
          const ends = sample.spans.map(([, end]) => end);
          return cellIou(final.span, [[Math.min(...starts), Math.max(...ends)]]);
        });
      for (const [expected, metrics] of [
        [only, groundingAbnormalOnly(videos)],
        [all, groundingAllVideos(videos)],
        [upstream, groundingUpstream(videos)],
      ] as const) {
        if (expected.length === 0) continue;
        expect(ratioValue(metrics.miou)).toBeCloseTo(mean(expected), 9);
        expect(ratioValue(metrics['r@0.3'])).toBeCloseTo(share(expected, 0.3), 9);
        expect(ratioValue(metrics['r@0.5'])).toBeCloseTo(share(expected, 0.5), 9);
        expect(ratioValue(metrics['r@0.7'])).toBeCloseTo(share(expected, 0.7), 9);
      }
    }
  });
});
