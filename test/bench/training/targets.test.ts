import { describe, expect, it } from 'vitest';
import { stepResults } from '../../../bench/training/step-result.js';
import { judgeMemory, judgeSteps } from '../../../bench/training/targets.js';
import { measuredSteps, step } from './steps.js';

describe('judgeSteps', () => {
  const judge = (own: [number, number, number], batched = 100, single = 300) =>
    judgeSteps(
      stepResults([
        measuredSteps('ours', [step(...own)]),
        measuredSteps('batched', [step(batched, 0, 0)]),
        measuredSteps('one by one', [step(single, 0, 0)]),
      ]),
    );

  it('is met at the limits', () => {
    expect(judge([40, 44, 16])).toEqual([
      { target: 'verification / rollout <= 1.10', reached: 1.1, isMet: true, missedBy: 0 },
      { target: 'step / PyTorch, verification batched <= 1.00', reached: 1, isMet: true, missedBy: 0 },
      {
        target: 'step / PyTorch, verification one by one <= 0.33',
        reached: 1 / 3,
        isMet: true,
        missedBy: 0,
      },
    ]);
  });
  it('is missed beyond them, by a share of the limit', () => {
    const [share, batched, single] = judge([40, 66, 14]);
    expect(share!.isMet).toBe(false);
    expect(share!.missedBy).toBeCloseTo(0.5);
    expect(batched!.missedBy).toBeCloseTo(0.2);
    expect(single!.missedBy).toBeCloseTo(0.2);
  });
  it('has the target of our own split where there is no reference', () => {
    expect(judgeSteps(stepResults([measuredSteps('ours', [step(2, 1, 1)])]))).toEqual([
      { target: 'verification / rollout <= 1.10', reached: 0.5, isMet: true, missedBy: 0 },
    ]);
  });
});

describe('judgeMemory', () => {
  const held = (at: number, tensors: number, residentBytes: number) => ({
    step: at,
    tensors,
    residentBytes,
    tensorBytes: 1000,
  });

  it('calls equal tensors and 2% more memory flat', () => {
    expect(judgeMemory([held(10, 90, 1000), held(100, 90, 1020)])).toEqual([
      { target: 'tensors, step 100 / step 10 <= 1.00', reached: 1, isMet: true, missedBy: 0 },
      { target: 'resident memory, step 100 / step 10 <= 1.02', reached: 1.02, isMet: true, missedBy: 0 },
    ]);
  });
  it('sees one tensor too many, and memory that grows', () => {
    const [tensors, resident] = judgeMemory([held(10, 90, 1000), held(100, 91, 1122)]);
    expect(tensors!.isMet).toBe(false);
    expect(resident).toMatchObject({ isMet: false, reached: 1.122 });
    expect(resident!.missedBy).toBeCloseTo(0.1);
  });
  it('compares the first with the last in a short job', () => {
    const [tensors] = judgeMemory([held(10, 50, 1), held(50, 99, 1), held(100, 50, 1)]);
    expect(tensors!.isMet).toBe(true);
  });
  it('compares the last 100 steps of a longer one', () => {
    const grown = [held(10, 50, 1000), held(50, 50, 1040), held(100, 50, 1045), held(150, 50, 1050)];
    expect(judgeMemory(grown).map(({ target, isMet }) => [target, isMet])).toEqual([
      ['tensors, step 150 / step 50 <= 1.00', true],
      ['resident memory, step 150 / step 50 <= 1.02', true],
    ]);
    const leak = [held(10, 50, 1000), held(50, 50, 1040), held(150, 50, 1062)];
    expect(judgeMemory(leak)[1]!.isMet).toBe(false);
  });
});
