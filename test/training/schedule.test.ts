import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../training/schedule.js';

const peak = { learningRate: 2e-3, warmupSteps: 40, finalShare: 0.05 };

describe('learning rate', () => {
  it('warms up linearly and ends at the final share of a cosine', () => {
    const cosine = { ...peak, schedule: 'cosine' as const };
    expect(learningRateAt(1, 300, cosine)).toBeCloseTo(
      (2e-3 / 40) * (1 - 0.95 * 0.5 * (1 - Math.cos(Math.PI / 300))),
      12,
    );
    expect(learningRateAt(40, 300, cosine)).toBeCloseTo(
      2e-3 * (0.5 * (1 + Math.cos((Math.PI * 40) / 300)) * 0.95 + 0.05),
      12,
    );
    expect(learningRateAt(300, 300, cosine)).toBeCloseTo(1e-4, 12);
    expect(learningRateAt(301, 300, cosine)).toBeCloseTo(1e-4, 12);
  });

  it('falls in a line, or not at all', () => {
    expect(learningRateAt(200, 400, { ...peak, schedule: 'linear', finalShare: 0.1 })).toBeCloseTo(
      2e-3 * 0.55,
      12,
    );
    expect(learningRateAt(300, 300, { ...peak, schedule: 'constant' })).toBe(2e-3);
  });

  it('starts at the peak without warm-up', () => {
    expect(learningRateAt(1, 10, { ...peak, warmupSteps: 0, schedule: 'constant' })).toBe(2e-3);
  });
});
