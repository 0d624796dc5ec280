import { describe, expect, it } from 'vitest';
import { logTables, thinned } from '../../../evaluation/report/training-log.js';

describe('training logs', () => {
  it('turns rows into columns, phase by phase, in order of step', () => {
    const tables = logTables({
      stage: 'sft',
      rows: [
        { step: 1, phase: 'vision warm-up', loss: 3 },
        { step: 3, phase: 'sft', loss: 2, validationLoss: 2.5 },
        { step: 2, phase: 'sft', loss: 4 },
        { step: 'x', loss: 9 },
      ],
    });
    expect(tables.map(({ phase, steps }) => [phase, steps])).toEqual([
      ['vision warm-up', [1]],
      ['sft', [2, 3]],
    ]);
    expect([...tables[1]!.columns]).toEqual([
      ['loss', [4, 2]],
      ['validationLoss', [null, 2.5]],
    ]);
  });

  it('counts steps on over epochs, and lets the last of doubled rows count', () => {
    const [table] = logTables({
      stage: 'grpo',
      rows: [
        { step: 1, epoch: 0, phase: 'grpo', kl: 1 },
        { step: 2, epoch: 0, phase: 'grpo', kl: 2 },
        { step: 2, epoch: 0, phase: 'grpo', kl: 2.5 },
        { step: 1, epoch: 1, phase: 'grpo', kl: 3 },
      ],
    });
    expect(table!.steps).toEqual([1, 2, 3]);
    expect(table!.columns.get('kl')).toEqual([1, 2.5, 3]);
    expect(table!.columns.has('epoch')).toBe(false);
  });

  it('takes only finite numbers for curves', () => {
    const [table] = logTables({ stage: 'x', rows: [{ step: 1, a: null, b: NaN, c: 'text', d: 0 }] });
    expect([...table!.columns.keys()]).toEqual(['d']);
    expect(logTables({ stage: 'x', rows: [] })).toEqual([]);
  });

  it('thins long logs to means, gaps left out of them', () => {
    const rows = Array.from({ length: 10 }, (_, index) => ({
      step: index + 1,
      loss: index,
      ...(index % 4 === 0 ? { rare: index } : {}),
    }));
    const table = thinned(logTables({ stage: 'x', rows })[0]!, 4);
    expect(table.steps).toEqual([3, 6, 9, 10]);
    expect(table.columns.get('loss')).toEqual([1, 4, 7, 9]);
    expect(table.columns.get('rare')).toEqual([0, 4, 8, null]);
    const short = logTables({ stage: 'x', rows })[0]!;
    expect(thinned(short, 10)).toBe(short);
  });
});
