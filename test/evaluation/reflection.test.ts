import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { missingAnswer } from '../../evaluation/answered-video.js';
import { ratioValue } from '../../evaluation/ratio.js';
import { reflectionMetrics, reflectionTransitions } from '../../evaluation/reflection.js';
import { abnormal, answered, normal, testSample, unparsable } from './videos.js';

const truth = (id: string) => testSample(id, 'Abnormal', [[0, 1]]);

describe('reflection', () => {
  const videos = [
    answered(truth('a'), abnormal([0, 1]), { first: abnormal([0, 1]), reflection: true }),
    answered(truth('b'), abnormal([0, 1]), { first: normal, reflection: true }),
    answered(truth('c'), abnormal([0, 1]), { first: unparsable, reflection: true }),
    answered(truth('d'), normal, { first: abnormal([0, 1]), reflection: true }),
    answered(truth('e'), unparsable, { first: abnormal([0, 1]) }),
    answered(truth('f'), normal, { first: normal, reflection: true }),
    answered(truth('g'), missingAnswer, { first: missingAnswer }),
    answered(testSample('h', 'Normal'), normal, { first: abnormal([0, 1]), reflection: true }),
  ];

  it('counts the four transitions, an unusable pass being wrong', () => {
    expect(reflectionTransitions(videos)).toEqual({
      rightToRight: 1,
      wrongToRight: 3,
      rightToWrong: 2,
      wrongToWrong: 2,
    });
  });

  it('gives shares of all videos', () => {
    const metrics = reflectionMetrics(videos);
    expect(ratioValue(metrics.firstAccuracy)).toBe(3 / 8);
    expect(ratioValue(metrics.gain)).toBe(1 / 8);
    expect(ratioValue(metrics.wrongToRight)).toBe(3 / 8);
    expect(ratioValue(metrics.rightToWrong)).toBe(2 / 8);
    expect(ratioValue(metrics.present)).toBe(6 / 8);
  });

  it('gains what wrong-to-right exceeds right-to-wrong by, on random answers', () => {
    const random = Random.from(3, 'reflection test');
    const answers = [normal, abnormal(null), unparsable, missingAnswer];
    const many = Array.from({ length: 200 }, (_, index) =>
      answered(testSample(`v${index}`, random.chance(0.5) ? 'Abnormal' : 'Normal'), random.choice(answers), {
        first: random.choice(answers),
      }),
    );
    const metrics = reflectionMetrics(many);
    const { rightToRight, rightToWrong, wrongToRight, wrongToWrong } = reflectionTransitions(many);
    expect(rightToRight + rightToWrong + wrongToRight + wrongToWrong).toBe(200);
    expect(ratioValue(metrics.gain)).toBeCloseTo((wrongToRight - rightToWrong) / 200, 12);
    expect(ratioValue(metrics.firstAccuracy)).toBeCloseTo((rightToRight + rightToWrong) / 200, 12);
  });
});
