import { describe, expect, it } from 'vitest';
import { DataOrder } from '../../training/data-order.js';

describe('data order', () => {
  it('visits every item once per epoch, in another order each time', () => {
    const order = new DataOrder(10, 7, 'sft');
    const epochs = [0, 1].map((e) => Array.from({ length: 10 }, (_, i) => order.at(e * 10 + i)));
    for (const epoch of epochs)
      expect([...epoch].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it('follows from the position alone, whatever was asked before', () => {
    const walked = new DataOrder(7, 3, 'grpo');
    const all = Array.from({ length: 40 }, (_, p) => walked.at(p));
    expect(new DataOrder(7, 3, 'grpo').at(33)).toBe(all[33]);
    expect(walked.at(2)).toBe(all[2]);
  });

  it('depends on seed and purpose', () => {
    const take = (seed: number, purpose: string) => {
      const order = new DataOrder(50, seed, purpose);
      return Array.from({ length: 50 }, (_, p) => order.at(p)).join();
    };
    expect(take(1, 'sft')).not.toBe(take(2, 'sft'));
    expect(take(1, 'sft')).not.toBe(take(1, 'grpo'));
  });

  it('refuses an empty list', () => {
    expect(() => new DataOrder(0, 1, 'sft')).toThrow(RangeError);
  });
});
