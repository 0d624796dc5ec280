import { describe, expect, it } from 'vitest';
import { answerOutcomes, missingAnswer, outcomeKind } from '../../evaluation/answered-video.js';
import { formatMetrics, outcomeCounts } from '../../evaluation/format.js';
import { ratioValue } from '../../evaluation/ratio.js';
import { abnormal, answered, normal, testSample, unparsable } from './videos.js';

describe('format', () => {
  const videos = [
    answered(testSample('a', 'Normal'), normal),
    answered(testSample('b', 'Normal'), abnormal(null), { formatValid: false, truncated: true }),
    answered(testSample('c', 'Normal'), unparsable, { truncated: true }),
    answered(testSample('d', 'Normal'), missingAnswer),
    answered(testSample('e', 'Normal'), { outcome: 'category-for-verdict', verdict: null, span: null }),
  ];

  it('gives shares of all videos; a missing prediction is not valid', () => {
    const metrics = formatMetrics(videos);
    expect(ratioValue(metrics.valid)).toBe(1 / 5);
    expect(ratioValue(metrics.truncated)).toBe(2 / 5);
    expect(ratioValue(metrics.unparsable)).toBe(1 / 5);
    expect(ratioValue(metrics.category)).toBe(1 / 5);
    expect(ratioValue(metrics.missing)).toBe(1 / 5);
  });

  it('counts every outcome, also those that did not occur', () => {
    const counts = outcomeCounts(videos);
    expect(Object.keys(counts)).toEqual(answerOutcomes);
    expect(counts).toMatchObject({
      ok: 2,
      'missing-which': 1,
      'missing-prediction': 1,
      'category-for-verdict': 1,
      'missing-pass': 0,
    });
  });

  it('sorts outcomes into four kinds', () => {
    expect(answerOutcomes.map(outcomeKind)).toEqual([
      'ok',
      'unparsable',
      'unparsable',
      'category',
      'unparsable',
      'unparsable',
      'unparsable',
      'missing',
    ]);
  });
});
