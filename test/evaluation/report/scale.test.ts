import { describe, expect, it } from 'vitest';
import { Random } from '../../../core/random.js';
import { niceTicks, percentOf } from '../../../evaluation/report/chart/scale.js';

describe('scale', () => {
  it('finds round ticks', () => {
    expect(niceTicks(0, 1)).toEqual([0, 0.5, 1]);
    expect(niceTicks(0.31, 5.2)).toEqual([0, 2, 4, 6]);
    expect(niceTicks(-0.13, 0.12, 8)).toEqual([-0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15]);
    expect(niceTicks(5, 5)).toEqual([2, 4, 6, 8]);
    expect(niceTicks(0, 0)).toEqual([-0.5, 0, 0.5]);
  });

  it('covers the data with a handful of ascending ticks, whatever the size', () => {
    const random = Random.from(1, 'scale test');
    for (let round = 0; round < 300; round++) {
      const low = random.normal() * 10 ** random.integer(9) * 1e-4;
      const high = low + Math.abs(random.normal()) * 10 ** random.integer(9) * 1e-4;
      const ticks = niceTicks(low, high);
      const slack = Math.abs(high - low) * 1e-6 + 1e-12;
      expect(ticks[0]).toBeLessThanOrEqual(low + slack);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high - slack);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(7);
      expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
    }
  });

  it('places values in percent, clamped', () => {
    expect([-1, 0, 0.125, 1, 2].map((value) => percentOf(value, [0, 1]))).toEqual([0, 0, 12.5, 100, 100]);
  });
});
