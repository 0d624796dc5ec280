import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freshStore } from './store.js';

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hindsight-checkpoint-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

describe('checkpoints', () => {
  it('restore every file of the newest step, whichever attempt saved it', async () => {
    const { checkpoints } = await freshStore();
    await checkpoints.save(
      'sft',
      'key',
      1,
      50,
      await folderWith({ state: 'fifty', 'model/config.json': '{}' }),
    );
    await checkpoints.save(
      'sft',
      'key',
      2,
      100,
      await folderWith({ state: 'hundred', 'model/config.json': '{"a":1}' }),
    );
    await checkpoints.save('sft', 'other', 1, 900, await folderWith({ state: 'not mine' }));
    const newest = await checkpoints.newest('sft', 'key');
    expect(newest).toMatchObject({ step: 100, attempt: 2 });
    const target = await folderWith({});
    await checkpoints.restore(newest!, target);
    expect(await readFile(join(target, 'state'), 'utf8')).toBe('hundred');
    expect(await readFile(join(target, 'model/config.json'), 'utf8')).toBe('{"a":1}');
  });

  it('keep the last two of an attempt, and none once the stage is done', async () => {
    const { checkpoints, objects } = await freshStore();
    for (const step of [10, 20, 30])
      await checkpoints.save('grpo', 'k', 1, step, await folderWith({ state: `${step}` }));
    expect(await objects.list('checkpoints/grpo/k/')).toEqual([
      'checkpoints/grpo/k/1/00000020.json',
      'checkpoints/grpo/k/1/00000030.json',
    ]);
    await checkpoints.clear('grpo', 'k');
    expect(await checkpoints.newest('grpo', 'k')).toBeNull();
  });
});
