import { describe, expect, it } from 'vitest';
import {
  clock,
  counted,
  differenceInWords,
  intervalText,
  percent,
  points,
} from '../../../evaluation/report/words.js';

describe('numbers in words', () => {
  it('says gains, losses, and that nothing is clear', () => {
    const say = (
      value: number | null,
      low: number | null,
      high: number | null,
      verdict: 'better' | 'worse' | 'unclear',
    ) => differenceInWords({ value, low, high, verdict });
    expect(say(0.031, 0.0102, 0.0521, 'better')).toBe('+3.1 points, interval +1.0 to +5.2: a clear gain');
    expect(say(-0.031, -0.0521, -0.0102, 'worse')).toBe('−3.1 points, interval −5.2 to −1.0: a clear loss');
    expect(say(0.004, -0.01, 0.02, 'unclear')).toBe('+0.4 points, interval −1.0 to +2.0: no clear change');
    expect(say(0, 0, 0, 'unclear')).toBe('no change at all');
    expect(say(null, null, null, 'unclear')).toBe('not defined on these videos');
  });

  it('writes percent and points without a minus zero', () => {
    expect([0.93751, 1, 0, -0.0001].map((value) => percent(value))).toEqual([
      '93.8%',
      '100.0%',
      '0.0%',
      '0.0%',
    ]);
    expect(percent(null)).toBe('–');
    expect(percent(0.955, 0)).toBe('96%');
    expect([0.1, -0.1, 0.0001, -0.0001].map((value) => points(value))).toEqual([
      '+10.0',
      '−10.0',
      '0.0',
      '0.0',
    ]);
    expect(intervalText({ value: 0.9, low: 0.8812, high: 0.9, videos: 1 })).toBe('88.1 to 90.0');
    expect(intervalText({ value: null, low: null, high: null, videos: 0 })).toBeNull();
  });

  it('counts', () => {
    expect([0, 1, 2, 12345].map((count) => counted(count, 'video'))).toEqual([
      '0 videos',
      '1 video',
      '2 videos',
      '12,345 videos',
    ]);
  });

  it('writes times of a video', () => {
    expect([0, 4.52, 59.9, 60, 125, 3725].map(clock)).toEqual([
      '0.0 s',
      '4.5 s',
      '59.9 s',
      '1:00',
      '2:05',
      '1:02:05',
    ]);
  });
});
