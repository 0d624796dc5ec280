import { describe, expect, it } from 'vitest';
import { stepResults, stepTime } from '../../../bench/training/step-result.js';
import { measuredSteps, step } from './steps.js';

describe('stepTime', () => {
  it('is the sum of the parts', () => expect(stepTime(step(100, 50, 25))).toBe(175));
});

describe('stepResults', () => {
  const [ours, batched, single] = stepResults([
    measuredSteps('ours', [step(100, 50, 50), step(100, 150, 50), step(200, 100, 100)]),
    measuredSteps('batched', [step(200, 150, 50), step(200, 50, 50), step(100, 50, 50)]),
    measuredSteps('one by one', [step(100, 700, 0), step(100, 1000, 100), step(100, 700, 0)]),
  ]);

  it('splits every step, with the spread of each part', () => {
    expect(ours!.parts.rollout.milliseconds).toEqual({ median: 100, min: 100, max: 200 });
    expect(ours!.parts.verification.milliseconds).toEqual({ median: 100, min: 50, max: 150 });
    expect(ours!.parts.update.milliseconds).toEqual({ median: 50, min: 50, max: 100 });
    expect(ours!.milliseconds).toEqual({ median: 300, min: 200, max: 400 });
  });
  it('divides verification by the rollout of the same round', () => {
    // The ratio of the medians would be 1.
    expect(ours!.verificationShare).toEqual({ median: 0.5, min: 0.5, max: 1.5 });
  });
  it('divides our step by theirs of the same round, and ours by nothing', () => {
    expect(ours!.ratio).toBeNull();
    expect(batched!.ratio).toEqual({ median: 1, min: 0.5, max: 2 });
    expect(single!.ratio).toEqual({ median: 0.25, min: 0.25, max: 0.5 });
  });
  it('adds up what was done over the rounds', () => {
    expect(ours!.parts.rollout).toMatchObject({ sequences: 3 * 64, tokens: 3 * 5000 });
    expect(ours!.parts.verification).toMatchObject({ sequences: 3 * 24, tokens: 3 * 1300 });
  });
  it('wants as many rounds of each', () => {
    const uneven = [measuredSteps('ours', [step(1, 1, 1)]), measuredSteps('batched', [])];
    expect(() => stepResults(uneven)).toThrow(RangeError);
  });
});
