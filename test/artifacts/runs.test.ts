import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../artifacts/runs.js';
import { freshStore } from './store.js';

function record(runId: string): RunRecord {
  return {
    runId,
    name: 'micro',
    status: 'running',
    problem: null,
    config: 'a'.repeat(64),
    code: { version: '0.1.0', commit: null, digest: 'd' },
    startedAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    reruns: {},
    stages: [],
  };
}

describe('runs', () => {
  it('are listed and read without anything but the store', async () => {
    const { runs } = await freshStore();
    expect(await runs.list()).toEqual([]);
    await runs.write(record('b-2'));
    await runs.write(record('a-1'));
    await runs.document('a-1', 'locations.json', { x: 'file:///v.mp4' });
    expect(await runs.list()).toEqual(['a-1', 'b-2']);
    expect(await runs.read('a-1')).toEqual(record('a-1'));
    expect(await runs.readDocument('a-1', 'locations.json')).toEqual({ x: 'file:///v.mp4' });
    expect(await runs.read('c-3')).toBeNull();
    expect(await runs.readDocument('a-1', 'nothing.json')).toBeNull();
  });

  it('keep a log per stage and attempt', async () => {
    const { runs } = await freshStore();
    await runs.writeLog('a-1', 'sft', 'k-1', 'one\n');
    await runs.writeLog('a-1', 'grpo', 'k-1', 'two\n');
    expect(await runs.logs('a-1')).toEqual(['runs/a-1/logs/grpo/k-1.log', 'runs/a-1/logs/sft/k-1.log']);
    expect(await runs.logs('a-1', 'sft')).toHaveLength(1);
    expect(await runs.readLog('runs/a-1/logs/sft/k-1.log')).toBe('one\n');
  });

  it('take in the rows that changed and keep the others', async () => {
    const { runs } = await freshStore();
    const row = (variant: string | null, name: string, status: 'waiting' | 'done') => ({
      variant,
      name,
      status,
      outcome: null,
      key: null,
      manifest: null,
      outputs: {},
      seconds: null,
      attempts: 0,
      reason: null,
    });
    const names = [
      row(null, 'ingest', 'waiting'),
      row(null, 'sft', 'waiting'),
      row('half', 'sft', 'waiting'),
    ];
    await runs.write({ ...record('a-1'), stages: names });
    await runs.update({ ...record('a-1'), status: 'done', stages: [row(null, 'sft', 'done')] });
    expect(await runs.read('a-1')).toEqual({
      ...record('a-1'),
      status: 'done',
      stages: [names[0], row(null, 'sft', 'done'), names[2]],
    });
    await runs.update({ ...record('new'), stages: [names[0]!] });
    expect((await runs.read('new'))!.stages).toEqual([names[0]]);
  });

  it('refuse a record that readers could not understand', async () => {
    const { runs } = await freshStore();
    await expect(runs.write({ ...record('x'), status: 'paused' as 'running' })).rejects.toThrow();
  });
});
