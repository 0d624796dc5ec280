import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { flipByte } from './flip-byte.js';
import { freshStore, onDisk } from './store.js';

const silent = (): void => undefined;

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
    expect(await checkpoints.newest('sft', 'key')).toMatchObject({ step: 100, attempt: 2 });
    const target = await folderWith({});
    expect(await checkpoints.restoreNewest('sft', 'key', target, silent)).toMatchObject({ step: 100 });
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

  it('whose blobs were stored but not their record are never used: that is what a kill between them leaves', async () => {
    const store = await freshStore();
    await store.checkpoints.save('sft', 'k', 1, 10, await folderWith({ state: 'ten' }));
    await store.blobs.putText('twenty', 'application/octet-stream');
    const target = await folderWith({});
    expect(await store.checkpoints.restoreNewest('sft', 'k', target, silent)).toMatchObject({ step: 10 });
    expect(await readFile(join(target, 'state'), 'utf8')).toBe('ten');
  });

  it.each([
    [
      'names a missing blob',
      'store.blob-missing|is not in the store',
      (_: string) => JSON.stringify({ step: 30, attempt: 2, files: { state: 'e'.repeat(64) } }),
    ],
    ['is cut off', 'cannot be read', (text: string) => text.slice(0, 20)],
    ['is of another form', 'cannot be read', (_: string) => '{"step": 30}'],
  ])('are passed over for the one before when the record %s', async (_, said, damage) => {
    const store = await freshStore();
    await store.checkpoints.save('sft', 'k', 1, 20, await folderWith({ state: 'twenty', more: 'm' }));
    await store.checkpoints.save('sft', 'k', 2, 30, await folderWith({ state: 'thirty' }));
    const record = 'checkpoints/sft/k/2/00000030.json';
    const text = (await store.objects.read(record))!.toString('utf8');
    await store.objects.write(record, Buffer.from(damage(text)));
    const target = await folderWith({});
    const lines: string[] = [];
    const restored = await store.checkpoints.restoreNewest('sft', 'k', target, (line) => lines.push(line));
    expect(restored).toMatchObject({ step: 20, attempt: 1 });
    expect(await readFile(join(target, 'state'), 'utf8')).toBe('twenty');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(said));
    expect(lines[0]).toContain(record);
  });

  it('of a record or a blob with a flipped byte are passed over, and none is used when all are damaged', async () => {
    const prefix = `test-${randomUUID()}/`;
    const store = await freshStore(prefix);
    await store.checkpoints.save('sft', 'k', 1, 20, await folderWith({ state: 'twenty' }));
    await store.checkpoints.save('sft', 'k', 2, 30, await folderWith({ state: 'thirty' }));
    await flipByte(onDisk(prefix, 'checkpoints/sft/k/2/00000030.json'), 8);
    const digest = sha256('twenty');
    await flipByte(onDisk(prefix, `blobs/sha256/${digest.slice(0, 2)}/${digest}`));
    const target = join(await folderWith({}), 'resume');
    const lines: string[] = [];
    expect(await store.checkpoints.restoreNewest('sft', 'k', target, (line) => lines.push(line))).toBeNull();
    expect(lines).toHaveLength(2);
    await expect(readFile(join(target, 'state'))).rejects.toThrow('ENOENT');
  });

  it('of a zombie neither touch those of its successor nor come before them at the same step', async () => {
    const { checkpoints, objects } = await freshStore();
    await checkpoints.save('sft', 'k', 9, 10, await folderWith({ state: 'nine' }));
    await checkpoints.save('sft', 'k', 10, 20, await folderWith({ state: 'ten, the successor' }));
    await checkpoints.save('sft', 'k', 9, 15, await folderWith({ state: 'nine' }));
    await checkpoints.save('sft', 'k', 9, 20, await folderWith({ state: 'nine, the zombie' }));
    expect(await objects.list('checkpoints/sft/k/10/')).toEqual(['checkpoints/sft/k/10/00000020.json']);
    const target = await folderWith({});
    expect(await checkpoints.restoreNewest('sft', 'k', target, silent)).toMatchObject({ attempt: 10 });
    expect(await readFile(join(target, 'state'), 'utf8')).toBe('ten, the successor');
  });
});
