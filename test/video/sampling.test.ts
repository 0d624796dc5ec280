import { describe, expect, it } from 'vitest';
import { TerminalError } from '../../core/errors.js';
import {
  poolIndices,
  remainingIndices,
  resample,
  teacherIndices,
  uniformIndices,
} from '../../video/sampling.js';

describe('uniformIndices', () => {
  it('is round(linspace(0, n - 1, count)), worked out by hand', () => {
    // steps of 31 / 15
    expect(uniformIndices(32, 16)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31]);
    // steps of 376 / 4
    expect(uniformIndices(377, 5)).toEqual([0, 94, 188, 282, 376]);
    // halves to even: 0, .5, 1, 1.5, 2 and 0, 2.5, 5
    expect(uniformIndices(3, 5)).toEqual([0, 0, 1, 2, 2]);
    expect(uniformIndices(6, 3)).toEqual([0, 2, 5]);
  });

  it('always holds the first and the last frame, ascending, in range', () => {
    for (const n of [2, 3, 15, 16, 17, 64, 1000, 628_020]) {
      const indices = uniformIndices(n, 16);
      expect(indices).toHaveLength(16);
      expect(indices[0]).toBe(0);
      expect(indices.at(-1)).toBe(n - 1);
      expect(indices).toEqual([...indices].sort((a, b) => a - b));
      expect(indices.every((i) => Number.isInteger(i) && i >= 0 && i < n)).toBe(true);
    }
  });

  it('repeats frames of a short video', () => {
    expect(uniformIndices(1, 4)).toEqual([0, 0, 0, 0]);
    expect(new Set(uniformIndices(10, 16)).size).toBe(10);
  });

  it('takes the first frame when one is asked for', () => {
    expect(uniformIndices(9, 1)).toEqual([0]);
  });

  it.each([
    [0, 16],
    [16, 0],
  ])('refuses to take from %i frames %i', (n, count) => {
    expect(() => uniformIndices(n, count)).toThrow(TerminalError);
  });
});

describe('poolIndices', () => {
  it('holds 64 different frames of a long video and all of a short one', () => {
    expect(new Set(poolIndices(377, 64)).size).toBe(64);
    expect(poolIndices(32, 64)).toEqual(Array.from({ length: 32 }, (_, i) => i));
    expect(poolIndices(65, 64)).toHaveLength(64);
  });
});

describe('teacherIndices', () => {
  const usual = { every: 16, most: 128 };
  it('is every 16th frame up to 2048 frames', () => {
    expect(teacherIndices(48, usual)).toEqual([0, 16, 32]);
    expect(teacherIndices(49, usual)).toEqual([0, 16, 32, 48]);
    expect(teacherIndices(2048, usual)).toHaveLength(128);
    expect(teacherIndices(1, usual)).toEqual([0]);
  });

  it('widens the step by whole multiples, so that at most 128 come out', () => {
    expect(teacherIndices(2049, usual).slice(0, 3)).toEqual([0, 32, 64]);
    expect(teacherIndices(2049, usual)).toHaveLength(65);
    for (const n of [4096, 4097, 10_000, 628_020]) {
      const indices = teacherIndices(n, usual);
      expect(indices.length).toBeLessThanOrEqual(128);
      expect(indices.at(-1)).toBeLessThan(n);
      expect(indices[1]! % 16).toBe(0);
    }
  });
});

describe('remainingIndices', () => {
  const pool = poolIndices(32, 32);
  it('cuts half-open spans', () => {
    expect(remainingIndices(pool, 32, [[0.25, 0.5]])).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6, 7],
      ...[16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
    ]);
  });

  it('cuts several spans, also overlapping ones, and the last frame with 1', () => {
    expect(
      remainingIndices(pool, 32, [
        [0, 0.5],
        [0.4, 0.6],
        [0.9, 1],
      ]),
    ).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28]);
  });

  it('leaves everything without spans or for a span between two frames, nothing for the whole', () => {
    expect(remainingIndices(pool, 32, [])).toEqual(pool);
    expect(remainingIndices(pool, 32, [[0.51, 0.53]])).toEqual(pool);
    expect(remainingIndices(pool, 32, [[0, 1]])).toEqual([]);
    expect(remainingIndices(pool, 32, [[0.5, 0.5]])).toEqual(pool);
  });
});

describe('resample', () => {
  it('takes uniformly from what is left', () => {
    const pool = poolIndices(64, 64);
    const left = remainingIndices(pool, 64, [[0.25, 0.75]]);
    const taken = resample(pool, left, 16);
    expect(taken).toHaveLength(16);
    expect(taken[0]).toBe(0);
    expect(taken.at(-1)).toBe(63);
    expect(taken.every((i) => i < 16 || i >= 48)).toBe(true);
    expect(new Set(taken).size).toBe(16);
  });

  it('takes all frames of the pool once when as many are left', () => {
    expect(resample([0, 2, 4, 6], [0, 2, 4, 6], 4)).toEqual([0, 2, 4, 6]);
  });

  it('repeats frames when fewer are left and keeps to the pool', () => {
    expect(resample([0, 5, 9], [5, 7, 9], 4)).toEqual([5, 5, 9, 9]);
  });

  it('refuses an empty rest', () => {
    expect(() => resample([0, 1], [], 16)).toThrow(/leaves no frame/);
  });
});
