import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCheckpoint, readTensors, writeCheckpoint, writeTensors } from '../../training/checkpoint.js';
import { RowLog } from '../../training/row-log.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tensors = {
  'first.a': { shape: [2, 2], values: Float32Array.of(1, -2.5, 3e-30, 4) },
  'second.a': { shape: [1], values: Float32Array.of(0.1) },
};
const saveModel = async (to: string): Promise<void> => {
  await mkdir(to, { recursive: true });
  await writeFile(join(to, 'config.json'), '{}');
};
const write = (step: number, job = 'job'): Promise<string> =>
  writeCheckpoint(
    folder,
    { phase: 'sft', step, job },
    { saveModel, tensors, texts: { 'log.jsonl': '{"step":1}\n' } },
  );

describe('checkpoints', () => {
  it('give back step, phase, tensors to the last bit, and texts', async () => {
    const path = await write(120);
    expect(path).toBe(join(folder, 'checkpoints', 'step-000120'));
    const found = await readCheckpoint(path, 'job');
    expect(found).toMatchObject({ step: 120, phase: 'sft', model: join(path, 'model') });
    expect(found.tensors).toEqual(tensors);
    expect(await found.text('log.jsonl')).toBe('{"step":1}\n');
    expect(await readdir(join(folder, 'checkpoints'))).toEqual(['step-000120']);
  });

  it('replace an older attempt at the same step and clear a partial one', async () => {
    await mkdir(join(folder, 'checkpoints', '.partial-step-000003'), { recursive: true });
    await writeFile(join(folder, 'checkpoints', '.partial-step-000003', 'rubbish'), 'x');
    await write(3);
    const path = await write(3);
    expect(await readdir(path)).toEqual(['checkpoint.json', 'log.jsonl', 'model', 'state.safetensors']);
  });

  it('refuse another job and an incomplete folder', async () => {
    const path = await write(5);
    await expect(readCheckpoint(path, 'other')).rejects.toMatchObject({ code: 'training.other-job' });
    await rm(join(path, 'checkpoint.json'));
    await expect(readCheckpoint(path, 'job')).rejects.toMatchObject({ code: 'training.bad-checkpoint' });
  });

  it('refuse a truncated tensor file', async () => {
    const path = join(folder, 'x.safetensors');
    await writeTensors(path, tensors);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 3));
    await expect(readTensors(path)).rejects.toMatchObject({ code: 'policy.bad-weights' });
  });
});

describe('row log', () => {
  it('starts from what a checkpoint held, without later rows', () => {
    const path = join(folder, 'log.jsonl');
    const first = RowLog.start(path, '');
    first.append({ step: 1 });
    const saved = first.text();
    first.append({ step: 2 }, { step: 3 });
    const resumed = RowLog.start(path, saved);
    resumed.append({ step: 2, again: true });
    expect(resumed.text()).toBe('{"step":1}\n{"step":2,"again":true}\n');
  });
});
