import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { missingAnswer, type AnsweredVideo, type ScoredAnswer } from '../../evaluation/answered-video.js';
import { detectionAllVideos, detectionUpstream, type DetectionMetrics } from '../../evaluation/detection.js';
import { ratioValue } from '../../evaluation/ratio.js';
import { abnormal, answered, normal, testSample, unparsable } from './videos.js';

const values = (metrics: DetectionMetrics) => ({
  accuracy: ratioValue(metrics.accuracy),
  precision: ratioValue(metrics.precision),
  recall: ratioValue(metrics.recall),
  f1: ratioValue(metrics.f1),
});

const category: ScoredAnswer = { outcome: 'category-for-verdict', verdict: null, span: null };

/** Truth, answer: tp 2, fp 1, fn 1, tn 1, and of each class one unparsable and one missing, one category on Abnormal. */
const nine: AnsweredVideo[] = [
  answered(testSample('a', 'Abnormal', [[0, 0.5]]), abnormal([0, 0.5])),
  answered(testSample('b', 'Abnormal', [[0, 0.5]]), abnormal(null)),
  answered(testSample('c', 'Normal'), abnormal([0, 1])),
  answered(testSample('d', 'Abnormal', [[0, 0.5]]), normal),
  answered(testSample('e', 'Normal'), normal),
  answered(testSample('f', 'Abnormal', [[0, 0.5]]), unparsable),
  answered(testSample('g', 'Normal'), unparsable),
  answered(testSample('h', 'Abnormal', [[0, 0.5]]), missingAnswer),
  answered(testSample('i', 'Abnormal', [[0, 0.5]]), category),
];

describe('detection, all_videos', () => {
  it('counts unusable answers as wrong and as no prediction of Abnormal', () => {
    expect(values(detectionAllVideos(nine))).toEqual({
      accuracy: 3 / 9, // a, b, e
      precision: 2 / 3, // a, b of a, b, c
      recall: 2 / 6, // a, b of a, b, d, f, h, i
      f1: 4 / (4 + 1 + 4),
    });
  });

  it('leaves precision undefined when Abnormal is never said, and recall when it is never true', () => {
    const never = nine.map(({ sample }) => answered(sample, normal));
    expect(values(detectionAllVideos(never))).toEqual({ accuracy: 3 / 9, precision: null, recall: 0, f1: 0 });
    const none = [answered(testSample('x', 'Normal'), normal)];
    expect(values(detectionAllVideos(none))).toEqual({
      accuracy: 1,
      precision: null,
      recall: null,
      f1: null,
    });
  });

  it('scores another pass when asked', () => {
    const flipped = nine.map((video) => ({ ...video, first: normal }));
    expect(ratioValue(detectionAllVideos(flipped, (video) => video.first ?? normal).accuracy)).toBe(3 / 9);
  });
});

describe('detection, vadr1_upstream', () => {
  it('takes a missing <which> for Abnormal and drops missing predictions', () => {
    expect(values(detectionUpstream(nine))).toEqual({
      accuracy: 5 / 8, // a, b, e, f, i; h is dropped
      precision: 4 / 6, // a, b, f, i of a, b, c, f, g, i
      recall: 4 / 5, // of a, b, d, f, i
      f1: 8 / (8 + 2 + 1),
    });
  });
});

describe('detection against counting by hand in another way', () => {
  it('agrees on random answers', () => {
    const random = Random.from(1, 'detection test');
    for (let round = 0; round < 50; round++) {
      const videos = Array.from({ length: 1 + random.integer(40) }, (_, index) => {
        const truth = random.chance(0.5) ? 'Abnormal' : 'Normal';
        const answer = random.choice([
          normal,
          abnormal([0, 1]),
          abnormal(null),
          unparsable,
          missingAnswer,
          category,
        ]);
        return answered(testSample(`v${index}`, truth, truth === 'Abnormal' ? [[0, 1]] : []), answer);
      });
      const said = videos.filter(({ final }) => final.verdict === 'Abnormal');
      const are = videos.filter(({ sample }) => sample.label === 'Abnormal');
      const both = said.filter((video) => are.includes(video)).length;
      const precision = said.length === 0 ? null : both / said.length;
      const recall = are.length === 0 ? null : both / are.length;
      const got = values(detectionAllVideos(videos));
      expect(got.accuracy).toBeCloseTo(
        videos.filter(({ sample, final }) => sample.label === final.verdict).length / videos.length,
        12,
      );
      expect(got.precision).toBe(precision);
      expect(got.recall).toBe(recall);
      // The harmonic mean, where it is defined, is the same number.
      if (precision !== null && recall !== null && precision + recall > 0) {
        expect(got.f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 12);
      }
    }
  });
});
