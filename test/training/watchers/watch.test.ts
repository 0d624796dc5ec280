import { describe, expect, it } from 'vitest';
import type { StepRow } from '../../../training/run-phases.js';
import { JobWatch } from '../../../training/watchers/job-watch.js';
import { Watch } from '../../../training/watchers/watch.js';
import { windowSize, type Watcher } from '../../../training/watchers/watcher.js';

const watcher: Watcher = {
  column: 'x',
  name: 'the x',
  limits: () => [{ value: 1, side: 'above', meaning: 'too much' }],
};
const rows = (...parts: readonly (readonly [x: number, steps: number])[]) =>
  parts.flatMap(([x, steps]) => Array<{ x: number }>(steps).fill({ x }));
const stepsOf = (xs: readonly { x: number }[]) => {
  const watch = new Watch([watcher]);
  return xs.flatMap((row, index) => watch.see(index + 1, row).map(({ step }) => step));
};

describe('a watch', () => {
  it('covers a tenth of the steps, at least five', () => {
    expect([1, 50, 51, 300].map(windowSize)).toEqual([5, 5, 6, 30]);
  });

  it('warns when a limit is crossed, and again only after it was left', () => {
    expect(stepsOf(rows([0, 10], [2, 10]))).toEqual([13]);
    expect(stepsOf(rows([0, 10], [2, 10], [0, 10], [2, 10]))).toEqual([13, 33]);
    // Around the limit it has not left.
    expect(stepsOf(rows([2, 6], [0, 3], [2, 6], [0, 3], [2, 6]))).toEqual([5]);
  });

  it('says what share of the judged steps was outside, and how it ends', () => {
    const watch = new Watch([watcher]);
    for (const [index, row] of rows([0, 12], [2, 8]).entries()) watch.see(index + 1, row);
    const [finding] = watch.findings();
    expect(finding).toMatchObject({
      shareOutside: 6 / 16,
      last: { value: 2, crossed: [{ value: 1 }] },
      crossings: [{ column: 'x', side: 'above', step: 15, text: 'the x 1.2, above 1: too much' }],
    });
    expect(new Watch([watcher]).findings()).toEqual([]);
  });

  it('passes over rows without the number, and numbers that are none', () => {
    const watch = new Watch([watcher]);
    const given: StepRow[] = [
      { x: 2 },
      {},
      { x: NaN },
      { x: 2 },
      { x: Infinity },
      { x: 2 },
      { x: 2 },
      { x: 2 },
    ];
    const warned = given.flatMap((row, index) => watch.see(index + 1, row));
    expect(warned.map(({ step }) => step)).toEqual([8]);
  });
});

describe('the watch of a job', () => {
  it('judges phases apart and names them', () => {
    const watch = new JobWatch([watcher]);
    const log = [
      ...Array.from({ length: 4 }, (_, i) => ({ step: i + 1, phase: 'warm-up', x: 2 })),
      ...Array.from({ length: 5 }, (_, i) => ({ step: i + 5, phase: 'sft', x: 2, note: 'text' })),
    ];
    expect(log.flatMap((row) => watch.see(row))).toMatchObject([{ phase: 'sft', column: 'x', step: 9 }]);
  });

  it('says nothing of rows that it cannot place', () => {
    const watch = new JobWatch([watcher]);
    expect(Array.from({ length: 9 }, () => watch.see({ x: 2 })).flat()).toEqual([]);
  });
});
