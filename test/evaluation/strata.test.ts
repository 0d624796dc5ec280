import { describe, expect, it } from 'vitest';
import { strata } from '../../evaluation/strata.js';
import { testSample } from './videos.js';

describe('strata', () => {
  const samples = [
    testSample('a', 'Abnormal', [[0, 1]], { category: 'Fire', frames: 16 * 9 }),
    testSample('b', 'Normal', [], { frames: 16 * 10 }),
    testSample('c', 'Abnormal', [], { category: null, frames: 16 * 59 }),
    testSample('d', 'Abnormal', [], { category: 'Arson', frames: 16 * 60 }),
    testSample('e', 'Normal', [], { frames: 16 * 300 }),
  ];

  it('puts each video where it belongs, bounds of duration included below', () => {
    expect(strata(samples).map(({ by, name, positions }) => [by, name, positions])).toEqual([
      ['label', 'Normal', [1, 4]],
      ['label', 'Abnormal', [0, 2, 3]],
      ['category', 'Arson', [3]],
      ['category', 'Fire', [0]],
      ['duration', 'under 10 s', [0]],
      ['duration', '10 s to 1 min', [1, 2]],
      ['duration', '1 to 5 min', [3]],
      ['duration', '5 min and longer', [4]],
    ]);
  });

  it('leaves out a group that is everything', () => {
    expect(strata([samples[1]!, samples[1]!])).toEqual([]);
  });
});
