import { describe, expect, it } from 'vitest';
import { atLeast, atMost, outcomeText } from '../../../bench/side-by-side/verdict.js';

describe('verdicts', () => {
  it('are met at the limit', () => {
    expect(atMost(2, 2)).toEqual({ reached: 2, isMet: true, missedBy: 0 });
    expect(atLeast(2, 2)).toEqual({ reached: 2, isMet: true, missedBy: 0 });
  });
  it('are missed by a share of the limit', () => {
    expect(atMost(3, 2)).toEqual({ reached: 3, isMet: false, missedBy: 0.5 });
    expect(atLeast(1, 2)).toEqual({ reached: 1, isMet: false, missedBy: 0.5 });
  });
  it('never count what is no number as met', () => {
    expect([atMost(NaN, 1).isMet, atLeast(NaN, 1).isMet]).toEqual([false, false]);
  });
  it('say by how much, finer where it is little', () => {
    expect([atMost(1, 1), atMost(1.3, 1), atMost(1.004, 1)].map(outcomeText)).toEqual([
      'met',
      'missed by 30%',
      'missed by 0.4%',
    ]);
  });
});
