import { describe, expect, it } from 'vitest';
import { median, pairedRatio, spread } from '../../../bench/side-by-side/statistics.js';

describe('median', () => {
  it('is the middle of an odd count, in any order', () => expect(median([9, 1, 4])).toBe(4));
  it('is between the two middles of an even count', () => expect(median([10, 1, 4, 2])).toBe(3));
  it('sorts numbers, not texts', () => expect(median([100, 9, 20])).toBe(20));
  it('leaves its argument alone', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
  it('refuses nothing', () => expect(() => median([])).toThrow(RangeError));
});

describe('spread', () => {
  it('holds median and both ends', () => {
    expect(spread([5, 3, 8, 4])).toEqual({ median: 4.5, min: 3, max: 8 });
  });
});

describe('pairedRatio', () => {
  it('divides round by round', () => {
    // A slow round slows both: the ratio of the medians would be 1, that of the means .75.
    expect(pairedRatio([10, 50, 30], [20, 100, 30])).toEqual({ median: 0.5, min: 0.5, max: 1 });
  });
  it('refuses different counts', () => expect(() => pairedRatio([1, 2], [1])).toThrow('2 measurements'));
});
