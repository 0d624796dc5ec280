import { describe, expect, it } from 'vitest';
import { agreement } from '../../../bench/side-by-side/agreement.js';
import type { TerminalError } from '../../../core/errors.js';

const losses = { what: 'losses', relativeTo: 'itself' } as const;
const logits = { what: 'logits', relativeTo: 'largest' } as const;
const ours = (...numbers: number[]) => ({ name: 'ours', numbers });
const theirs = (...numbers: number[]) => ({ name: 'sdpa', numbers });

describe('agreement', () => {
  it('compares a number with itself', () => {
    expect(agreement(losses, ours(2, 0.10005), theirs(2, 0.1))).toBeCloseTo(5e-4, 6);
    expect(() => agreement(losses, ours(2, 0.102), theirs(2, 0.1))).toThrow(/losses are 2\.0e-2 apart/);
  });
  it('compares numbers with the largest one', () => {
    expect(agreement(logits, ours(-10, 0.005), theirs(-10, 0.001))).toBeCloseTo(4e-4, 6);
    expect(() => agreement(logits, ours(-10, 0.02), theirs(-10, 0.001))).toThrow(
      /logits .* apart \(number 2: ours 0\.02, sdpa 0\.001\)/,
    );
  });
  it('lets nothing pass that is not a number, wherever it stands', () => {
    expect(() => agreement(losses, ours(NaN, 1), theirs(1, 1))).toThrow('apart');
    expect(() => agreement(losses, ours(1, 1), theirs(NaN, 1))).toThrow('apart');
    expect(() => agreement(logits, ours(1, 2), theirs(1, NaN))).toThrow('apart');
  });
  it('wants the same number of numbers, and some', () => {
    expect(() => agreement(losses, ours(1), theirs(1, 1))).toThrow('1 of ours, 2 of sdpa');
    expect(() => agreement(losses, ours(), theirs())).toThrow('different numbers');
  });
  it('has a code and says what to do', () => {
    let thrown: unknown;
    try {
      agreement(losses, ours(2), theirs(1));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'bench.disagreement' });
    expect((thrown as TerminalError).fix).toContain('parity.test.ts');
  });
});
