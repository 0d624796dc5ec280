import { describe, expect, it } from 'vitest';
import { phaseCurves } from '../../../evaluation/report/curves.js';
import { logTables } from '../../../evaluation/report/training-log.js';
import { watchersOf } from '../../../evaluation/report/watched-table.js';
import { testSample } from '../videos.js';

const watchers = watchersOf('grpo', [
  testSample('a', 'Abnormal', [[0, 0.4]], { split: 'rl' }),
  testSample('n', 'Normal', [], { split: 'rl' }),
]);
const table = (widths: readonly number[]) =>
  logTables({
    stage: 'grpo',
    rows: widths.map((spanWidth, index) => ({ step: index + 1, spanWidth })),
  })[0]!;

describe('curves', () => {
  it('mark the chart whose limit is crossed at the end, and say where and how often it was', () => {
    const { main, warnings } = phaseCurves(
      table([...Array<number>(20).fill(0.4), ...Array<number>(20).fill(0.6)]),
      watchers,
    );
    expect(main.map(({ title, warning }) => [title, warning])).toEqual([
      ['Mean span width', 'outside its limit'],
    ]);
    expect(main[0]!.marks).toEqual([{ value: 0.52, label: 'at most 0.52', side: 'above' }]);
    // 36 of 40 steps are judged; the mean of five is above from the fourth wide step on.
    expect(warnings).toEqual([
      'Mean span width ends at 0.6, above 0.52: predicted spans are more than 1.3 times as wide as true ones: verification may be gamed; beyond its limit in 47% of the steps, first at step 24.',
    ]);
  });

  it('tell of a limit that was crossed and left again', () => {
    const widths = [
      ...Array<number>(10).fill(0.4),
      ...Array<number>(10).fill(0.6),
      ...Array<number>(20).fill(0.4),
    ];
    const { main, warnings } = phaseCurves(table(widths), watchers);
    expect(main[0]!.warning).toBe('was outside its limit in 22% of the steps');
    expect(warnings).toEqual([
      'Mean span width was beyond its limit in 22% of the steps, first at step 14, and came back.',
    ]);
  });

  it('draw the limits of a curve that stays within, without a warning', () => {
    const { main, warnings } = phaseCurves(table(Array<number>(20).fill(0.4)), watchers);
    expect(main[0]).toMatchObject({ warning: null, marks: [{ value: 0.52 }] });
    expect(warnings).toEqual([]);
  });

  it('give each reward a chart after their sum, and keep what they do not know', () => {
    const rows = [
      { step: 1, reward: 1, formatReward: 1, formatRewardStd: 0, kl: 0, formatPaid: 1, learningRate: 1e-4 },
    ];
    const { main, rest } = phaseCurves(logTables({ stage: 'grpo', rows })[0]!, []);
    expect(main.map(({ title }) => title)).toEqual(['Reward', 'Reward: format', 'KL to the reference']);
    expect(rest.map(({ title }) => title)).toEqual(['formatRewardStd', 'formatPaid', 'learningRate']);
  });
});
