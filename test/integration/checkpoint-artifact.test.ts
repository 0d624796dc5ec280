import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { materializeCheckpoint, publishCheckpoint } from '../../activities/checkpoint-artifact.js';
import { freshStore } from '../artifacts/store.js';

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'model'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'model', name), text);
  return folder;
}

it.each([
  [
    'a sharded model',
    {
      'config.json': '{}',
      'model-00001-of-00002.safetensors': 'a',
      'model-00002-of-00002.safetensors': 'b',
      'model.safetensors.index.json': '{}',
    },
  ],
  ['an adapter', { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'a', 'tokenizer.json': '{}' }],
])('%s is there on another machine as it was published', async (_, files) => {
  const prefix = `test-${randomUUID()}/`;
  const here = { store: await freshStore(prefix), cacheDir: await folderOf({}) };
  const there = { store: await freshStore(prefix), cacheDir: await folderOf({}) };
  const { output, blobs } = await publishCheckpoint(here, join(await folderOf(files), 'model'));
  expect(blobs).toHaveLength(Object.keys(files).length);
  if (!('text' in output)) throw new Error('the list of files is text');
  const { digest } = await here.store.blobs.putText(output.text, output.mediaType);
  const folder = await materializeCheckpoint(there, digest);
  expect((await readdir(folder)).sort()).toEqual(Object.keys(files).sort());
  for (const [name, text] of Object.entries(files))
    expect(await readFile(join(folder, name), 'utf8')).toBe(text);
  // The second time it is there already, also without the store.
  there.store.close();
  expect(await materializeCheckpoint(there, digest)).toBe(folder);
});

it('whose files differ anywhere has another name', async () => {
  const store = { store: await freshStore() };
  const name = async (weights: string) => {
    const folder = await folderOf({ 'adapter_config.json': '{}', 'adapter_model.safetensors': weights });
    const { output } = await publishCheckpoint(store, join(folder, 'model'));
    return 'text' in output ? output.text : '';
  };
  expect(await name('a')).toBe(await name('a'));
  expect(await name('a')).not.toBe(await name('b'));
});
