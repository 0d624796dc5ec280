import { describe, expect, it, vi } from 'vitest';
import type { RunRecord } from '../../artifacts/runs.js';
import { RetryableError } from '../../core/errors.js';
import { row } from '../cli/snapshots.js';
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
    const names = [row('ingest'), row('sft'), row('sft', { variant: 'half' })];
    await runs.write({ ...record('a-1'), stages: names });
    await runs.update({ ...record('a-1'), status: 'done', stages: [row('sft', { status: 'done' })] });
    expect(await runs.read('a-1')).toEqual({
      ...record('a-1'),
      status: 'done',
      stages: [names[0], row('sft', { status: 'done' }), names[2]],
    });
    await runs.update({ ...record('new'), stages: [names[0]!] });
    expect((await runs.read('new'))!.stages).toEqual([names[0]]);
  });

  it('go on from a record that was damaged, and not from a store that is away', async () => {
    const { runs, objects } = await freshStore();
    await objects.write('runs/a-1/run.json', Buffer.from('{"runId": '), 'application/json');
    await runs.update({ ...record('a-1'), stages: [row('sft')] });
    expect((await runs.read('a-1'))!.stages).toEqual([row('sft')]);
    const away = vi.spyOn(objects, 'read').mockRejectedValue(new RetryableError('store.unreachable', 'away'));
    await expect(runs.update({ ...record('a-1'), stages: [] })).rejects.toThrow('away');
    away.mockRestore();
    expect((await runs.read('a-1'))!.stages).toEqual([row('sft')]);
  });

  it('refuse a record that readers could not understand', async () => {
    const { runs } = await freshStore();
    await expect(runs.write({ ...record('x'), status: 'paused' as 'running' })).rejects.toThrow();
  });
});
