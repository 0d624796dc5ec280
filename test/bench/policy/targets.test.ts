import { describe, expect, it } from 'vitest';
import type { Measured } from '../../../bench/policy/measure.js';
import { compare, judge } from '../../../bench/policy/targets.js';

const measured = (participant: string, milliseconds: number[], peakBytes: number | null = 100): Measured => ({
  participant,
  threads: 2,
  versions: {},
  milliseconds,
  peakBytes,
  apart: null,
});

describe('compare', () => {
  it('pairs rounds with every reference and divides the peaks', () => {
    const list = [
      measured('ours', [10, 20, 30], 150),
      measured('eager', [20, 40, 30], 100),
      measured('sdpa', [10, 10, 10], 300),
    ];
    expect(compare(list)).toEqual([
      { participant: 'eager', time: { median: 0.5, min: 0.5, max: 1 }, memory: 1.5 },
      { participant: 'sdpa', time: { median: 2, min: 1, max: 3 }, memory: 0.5 },
    ]);
  });
  it('has no memory ratio where a peak is unknown', () => {
    expect(compare([measured('ours', [1], null), measured('sdpa', [1])])[0]!.memory).toBeNull();
  });
  it('compares nothing with nothing', () => expect(compare([measured('ours', [1])])).toEqual([]));
});

describe('judge', () => {
  const eager = measured('eager', [30, 31, 29], 50);
  const sdpa = measured('sdpa', [20, 21, 19], 100);

  it('takes the fastest reference, whatever the order', () => {
    for (const others of [
      [eager, sdpa],
      [sdpa, eager],
    ]) {
      const [time] = judge('sft-demo', [measured('ours', [25, 25, 25]), ...others]);
      expect(time).toMatchObject({ against: 'sdpa', isMet: false });
      expect(time!.missedBy).toBeCloseTo(0.25);
    }
  });
  it('wants SFT steps that take no longer, equal included', () => {
    const [time] = judge('sft-middle', [measured('ours', [20, 21, 19]), eager, sdpa]);
    expect(time).toMatchObject({ target: 'time of a step <= 1.00', reached: 1, isMet: true, missedBy: 0 });
  });
  it('wants sampling twice as fast', () => {
    const speed = (ms: number) => judge('sampling', [measured('ours', [ms, ms, ms]), eager, sdpa])[0]!;
    expect(speed(10)).toMatchObject({
      target: 'tokens a second >= 2.00',
      reached: 2,
      isMet: true,
      missedBy: 0,
    });
    expect(speed(20)).toMatchObject({ reached: 1, isMet: false, missedBy: 0.5 });
  });
  it('wants no more memory than the fastest reference, for every kind of work', () => {
    for (const group of ['sft-demo', 'sft-middle', 'sampling', 'prefill'] as const) {
      const memory = (bytes: number) =>
        judge(group, [measured('ours', [1, 1, 1], bytes), eager, sdpa]).at(-1)!;
      expect(memory(100)).toMatchObject({ target: 'peak memory <= 1.00', isMet: true, missedBy: 0 });
      expect(memory(110)).toMatchObject({ isMet: false });
      expect(memory(110).missedBy).toBeCloseTo(0.1);
    }
  });
  it('has no target for the time of prefill', () => {
    expect(judge('prefill', [measured('ours', [90, 90, 90]), sdpa]).map(({ target }) => target)).toEqual([
      'peak memory <= 1.00',
    ]);
  });
  it('says nothing about unknown memory or without a reference', () => {
    expect(judge('prefill', [measured('ours', [1, 1, 1], null), sdpa])).toEqual([]);
    expect(judge('sft-demo', [measured('ours', [1])])).toEqual([]);
  });
});
