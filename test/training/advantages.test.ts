import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { groupAdvantages, mean, sampleDeviation, totalRewards } from '../../training/advantages.js';

describe('group advantages', () => {
  it('reproduces the golden vector of two right and two wrong completions', () => {
    const { advantages, mean: centre, std, flat } = groupAdvantages([2, 2, 0, 0], 'group');
    for (const [i, sign] of [1, 1, -1, -1].entries()) expect(advantages[i]).toBeCloseTo(sign * 0.86595, 6);
    expect(centre).toBe(1);
    expect(std).toBeCloseTo(1.154701, 6);
    expect(flat).toBe(false);
  });

  it('gives zero to equal rewards and counts the group as flat', () => {
    expect(groupAdvantages([1.7, 1.7, 1.7, 1.7], 'group')).toMatchObject({ flat: true });
    for (const a of groupAdvantages([1.5, 1.5, 1.5], 'group').advantages) expect(a).toBe(0);
  });

  it('counts a spread below .05 as flat and one above it not', () => {
    expect(groupAdvantages([1, 1.04, 1, 1.04], 'group').flat).toBe(true);
    expect(groupAdvantages([1, 1.2, 1, 1.2], 'group').flat).toBe(false);
  });

  it('leaves the spread in with scaleRewards none', () => {
    expect(groupAdvantages([2, 2, 0, 0], 'none').advantages).toEqual([1, 1, -1, -1]);
  });

  it('gives 0 to a completion on which every reward abstained and leaves it out of the statistics', () => {
    const { advantages, mean: centre } = groupAdvantages([2, null, 0], 'none');
    expect(advantages).toEqual([1, 0, -1]);
    expect(centre).toBe(1);
    expect(groupAdvantages([null, null], 'group').advantages).toEqual([0, 0]);
  });

  it('agrees with the definition on random groups', () => {
    const random = Random.from(5, 'groups');
    for (let trial = 0; trial < 50; trial++) {
      const rewards = Array.from({ length: 2 + random.integer(6) }, () => random.uniform(-1, 3));
      const n = rewards.length;
      let sum = 0;
      let squares = 0;
      for (const r of rewards) {
        sum += r;
        squares += r * r;
      }
      const std = Math.sqrt((squares - (sum * sum) / n) / (n - 1));
      const { advantages } = groupAdvantages(rewards, 'group');
      for (const [i, r] of rewards.entries())
        expect(advantages[i]).toBeCloseTo((r - sum / n) / (std + 1e-4), 9);
      expect(mean(advantages)).toBeCloseTo(0, 9);
    }
  });
});

describe('total rewards', () => {
  it('weighs, adds and lets rewards abstain', () => {
    const components = [
      { weight: 1, values: [1, 0, null] },
      { weight: 0.5, values: [0.5, null, null] },
      { weight: 0, values: [9, 9, 9] },
    ];
    expect(totalRewards(components, 3)).toEqual([1.25, 0, null]);
  });

  it('has no spread for a single value', () => {
    expect(sampleDeviation([3])).toBe(0);
    expect(mean([])).toBe(0);
  });
});
