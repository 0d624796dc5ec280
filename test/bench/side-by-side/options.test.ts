import { describe, expect, it } from 'vitest';
import { listOf, positive, seconds } from '../../../bench/side-by-side/options.js';

describe('options of the bench', () => {
  it('reads whole numbers from 1 on', () => {
    expect(positive('7')).toBe(7);
    for (const wrong of ['0', '-1', '1.5', 'seven', ''])
      expect(() => positive(wrong)).toThrow('whole number');
  });
  it('reads seconds, none included', () => {
    expect([seconds('0'), seconds('2.5')]).toEqual([0, 2.5]);
    for (const wrong of ['-1', 'soon', ' ']) expect(() => seconds(wrong)).toThrow('number of seconds');
  });
  it('reads names in the order given, and names what is allowed', () => {
    const read = listOf(['step', 'memory']);
    expect(read('memory, step')).toEqual(['memory', 'step']);
    expect(() => read('step,huge')).toThrow('Allowed: step, memory.');
  });
});
