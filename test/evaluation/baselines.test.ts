import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { intervalIoU } from '../../datasets/interval.js';
import { baselineAnswers, baselines, bestConstantSpan } from '../../evaluation/baselines.js';
import { metricRatios } from '../../evaluation/metrics.js';
import { ratioValue } from '../../evaluation/ratio.js';
import { randomSpan, testSample } from './videos.js';

const samples = [
  testSample('a', 'Normal'),
  testSample('b', 'Abnormal', [[0.2, 0.6]]),
  testSample('c', 'Abnormal', [[0.2, 0.6]]),
  testSample('d', 'Abnormal', [[0.5, 1]]),
];
const value = (name: string, metric: string) => {
  const baseline = baselines(samples).find((candidate) => candidate.name === name)!;
  return ratioValue(metricRatios(baselineAnswers(baseline, samples), false).get(metric)!);
};

describe('baselines', () => {
  it('always Normal', () => {
    expect(value('always-normal', 'all_videos.accuracy')).toBe(0.25);
    expect(value('always-normal', 'all_videos.miou')).toBe(0.25);
    expect(value('always-normal', 'vadr1_upstream.miou')).toBe(0.25);
    expect(value('always-normal', 'abnormal_only.miou')).toBe(0);
    expect(value('always-normal', 'all_videos.precision')).toBeNull();
  });

  it('always Abnormal with [0, 1]', () => {
    expect(value('always-abnormal', 'all_videos.accuracy')).toBe(0.75);
    expect(value('always-abnormal', 'abnormal_only.miou')).toBeCloseTo((0.4 + 0.4 + 0.5) / 3, 12);
    expect(value('always-abnormal', 'vadr1_upstream.miou')).toBeCloseTo((0.4 + 0.4 + 0.5) / 4, 12);
  });

  it('the best constant span is named an oracle and beats every other span of its grid', () => {
    const oracle = baselines(samples).find(({ oracle }) => oracle)!;
    expect(oracle.name).toBe('best-constant-span-oracle');
    expect(oracle.span).toEqual([0.2, 0.6]);
    expect(oracle.description).toContain('[0.2, 0.6]');
    expect(value('best-constant-span-oracle', 'abnormal_only.miou')).toBeCloseTo((1 + 1 + 0.1 / 0.8) / 3, 12);
  });

  it('finds what trying every span with the plain IoU finds', () => {
    const random = Random.from(4, 'baseline test');
    const some = Array.from({ length: 12 }, (_, index) =>
      testSample(`v${index}`, 'Abnormal', [randomSpan(random), randomSpan(random)]),
    );
    const score = (span: [number, number]) =>
      some.reduce((sum, sample) => sum + intervalIoU(span, sample.spans), 0);
    let most = 0;
    for (let from = 0; from < 100; from++) {
      for (let to = from + 1; to <= 100; to++) most = Math.max(most, score([from / 100, to / 100]));
    }
    expect(score(bestConstantSpan(some)!)).toBeCloseTo(most, 9);
  });

  it('has no oracle where no span is annotated', () => {
    const weak = [testSample('a', 'Normal'), testSample('b', 'Abnormal')];
    expect(bestConstantSpan(weak)).toBeNull();
    expect(baselines(weak).map(({ name }) => name)).toEqual(['always-normal', 'always-abnormal']);
  });
});
