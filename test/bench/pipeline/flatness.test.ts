import { describe, expect, it } from 'vitest';
import { courseOf, type MemorySample } from '../../../bench/pipeline/flatness.js';
import { judgeMemory } from '../../../bench/pipeline/targets.js';

const MB = 1e6;
/** `of` bytes at every second of a window. */
const samples = (seconds: number, of: (second: number) => number): MemorySample[] =>
  Array.from({ length: seconds + 1 }, (_, second) => ({ seconds: second, bytes: of(second) }));

describe('the course of a memory', () => {
  it('has the slope of a line, and what it grows by over the window', () => {
    const course = courseOf(samples(100, (t) => 100 * MB + t * MB));
    expect(course.perHour).toBeCloseTo(3600 * MB, 0);
    expect(course.resident).toEqual({ median: 150 * MB, min: 100 * MB, max: 200 * MB });
    expect(course.growth).toBeCloseTo(100 / 150, 9);
    expect(course).toMatchObject({ samples: 101, start: 104.5 * MB, end: 195.5 * MB });
  });

  it('falls with a line that falls, and does not grow where nothing changes', () => {
    expect(courseOf(samples(60, (t) => 100 * MB - t * MB)).growth).toBeLessThan(-0.5);
    expect(courseOf(samples(60, () => 100 * MB))).toMatchObject({ perHour: 0, growth: 0 });
  });

  it('takes no slope from a saw that comes back to where it was', () => {
    const { growth } = courseOf(samples(600, (t) => 100 * MB + (t % 20) * MB));
    expect(Math.abs(growth)).toBeLessThan(0.01);
  });

  it('takes samples at any times', () => {
    const at = [0, 1, 5, 6, 30, 60];
    const course = courseOf(at.map((seconds) => ({ seconds, bytes: 50 * MB + 2 * MB * seconds })));
    expect(course.perHour).toBeCloseTo(2 * 3600 * MB, 0);
  });

  it('needs two times', () => {
    for (const few of [[], [{ seconds: 1, bytes: 1 }], Array(3).fill({ seconds: 1, bytes: 1 })])
      expect(() => courseOf(few as MemorySample[])).toThrow(RangeError);
  });
});

describe('flat', () => {
  const growing = (share: number) => courseOf(samples(100, (t) => 100 * MB * (1 + (share * t) / 100)));

  it('is what grows by no more than a twentieth of its median', () => {
    const verdicts = judgeMemory({ media: growing(0.04), gpu: growing(0.2), trainer: growing(-0.5) });
    expect(verdicts.map(({ target, isMet }) => [target, isMet])).toEqual([
      ['media: growth over the window / median <= 0.05', true],
      ['gpu: growth over the window / median <= 0.05', false],
      ['trainer: growth over the window / median <= 0.05', true],
    ]);
    expect(verdicts[1]!.missedBy).toBeCloseTo(0.2 / 1.1 / 0.05 - 1, 6);
    expect(verdicts[2]!.reached).toBe(0);
  });
});
