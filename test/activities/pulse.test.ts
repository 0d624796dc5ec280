import { describe, expect, test } from 'vitest';
import { Pulse } from '../../activities/pulse.js';

const floor = 600_000;

/** A pulse with a beat every `interval` ms, and the time of its last one. */
function beating(interval: number, beats = 10): { readonly pulse: Pulse; readonly at: number } {
  const pulse = new Pulse(floor, 0);
  for (let n = 1; n <= beats; n++) pulse.beat(n * interval);
  return { pulse, at: beats * interval };
}

describe('the pulse of a trainer', () => {
  test('is quiet after a tenth of the floor, and stalled after the floor, where steps are short', () => {
    const { pulse, at } = beating(1000);
    expect(pulse.quiet(at + 59_999)).toBeNull();
    expect(pulse.quiet(at + 240_000)).toEqual({ seconds: 240, usualSeconds: 1, limitSeconds: 600 });
    expect(pulse.isStalled(at + floor - 1)).toBe(false);
    expect(pulse.isStalled(at + floor)).toBe(true);
  });

  test('is quiet after 5 and stalled after 20 times the usual step where steps are long', () => {
    const { pulse, at } = beating(60_000);
    expect(pulse.quiet(at + 299_999)).toBeNull();
    expect(pulse.quiet(at + 300_000)).toEqual({ seconds: 300, usualSeconds: 60, limitSeconds: 1200 });
    expect(pulse.isStalled(at + 1_199_999)).toBe(false);
    expect(pulse.isStalled(at + 1_200_000)).toBe(true);
  });

  test('goes by the floor alone before the first step', () => {
    const pulse = new Pulse(floor, 5000);
    expect(pulse.quiet(65_000)).toEqual({ seconds: 60, usualSeconds: null, limitSeconds: 600 });
    expect(pulse.isStalled(5000 + floor)).toBe(true);
  });

  test('forgets a slow start, and is well again after a beat', () => {
    const pulse = new Pulse(floor, 0);
    pulse.beat(300_000);
    for (let n = 1; n <= 5; n++) pulse.beat(300_000 + n * 1000);
    expect(pulse.quiet(305_000 + 120_000)).toMatchObject({ usualSeconds: 1 });
    pulse.beat(425_000);
    expect(pulse.quiet(425_001)).toBeNull();
  });
});
