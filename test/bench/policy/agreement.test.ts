import { describe, expect, it } from 'vitest';
import { agreement } from '../../../bench/policy/agreement.js';
import type { TerminalError } from '../../../core/errors.js';

const ours = (...numbers: number[]) => ({ name: 'ours', numbers });
const theirs = (...numbers: number[]) => ({ name: 'sdpa', numbers });

describe('agreement', () => {
  it('compares every loss with itself', () => {
    expect(agreement('sft', ours(2, 0.10005), theirs(2, 0.1))).toBeCloseTo(5e-4, 6);
    expect(() => agreement('sft', ours(2, 0.102), theirs(2, 0.1))).toThrow(/losses are 2\.0e-2 apart/);
  });
  it('compares logits with the largest one', () => {
    expect(agreement('prefill', ours(-10, 0.005), theirs(-10, 0.001))).toBeCloseTo(4e-4, 6);
    expect(() => agreement('sampling', ours(-10, 0.02), theirs(-10, 0.001))).toThrow(
      /logits .* apart \(number 2: ours 0\.02, sdpa 0\.001\)/,
    );
  });
  it('lets nothing pass that is not a number, wherever it stands', () => {
    expect(() => agreement('sft', ours(NaN, 1), theirs(1, 1))).toThrow('apart');
    expect(() => agreement('sft', ours(1, 1), theirs(NaN, 1))).toThrow('apart');
    expect(() => agreement('prefill', ours(1, 2), theirs(1, NaN))).toThrow('apart');
  });
  it('wants the same number of numbers, and some', () => {
    expect(() => agreement('sft', ours(1), theirs(1, 1))).toThrow('1 of ours, 2 of sdpa');
    expect(() => agreement('sft', ours(), theirs())).toThrow('different numbers');
  });
  it('has a code and says what to do', () => {
    let thrown: unknown;
    try {
      agreement('sft', ours(2), theirs(1));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'bench.disagreement' });
    expect((thrown as TerminalError).fix).toContain('parity.test.ts');
  });
});
