import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { requireRevision } from '../../training/weights-revision.js';
import { scratchFolder } from '../config/scratch-folder.js';

const digest = sha256('weights');

test('a name is taken as it is, whatever the folder holds', async () => {
  const folder = await scratchFolder();
  await requireRevision(folder, 'main');
  await requireRevision(folder, 'cc594898137f460bfe9f0759e9844b3ce807cfb5');
});

test('a digest must be that of the weights', async () => {
  const folder = await scratchFolder({ 'model.safetensors': 'weights' });
  await requireRevision(folder, digest);
  await requireRevision(folder, `sha256:${digest}`);
  await expect(requireRevision(folder, sha256('others'))).rejects.toMatchObject({
    code: 'policy.other-weights',
    fields: { found: digest, expected: sha256('others') },
    fix: expect.stringContaining(digest) as string,
  });
});

test('of sharded weights the index decides', async () => {
  const folder = await scratchFolder({
    'model.safetensors.index.json': '{}',
    'model.safetensors': 'left over',
  });
  await requireRevision(folder, sha256('{}'));
  await expect(requireRevision(folder, sha256('left over'))).rejects.toMatchObject({
    code: 'policy.other-weights',
  });
});

test('a file that changed is read again', async () => {
  const folder = await scratchFolder({ 'model.safetensors': 'weights' });
  const path = join(folder, 'model.safetensors');
  await requireRevision(folder, digest);
  await writeFile(path, 'weightz');
  // The same size: the time tells.
  await utimes(path, new Date(), new Date(Date.now() + 5000));
  await expect(requireRevision(folder, digest)).rejects.toMatchObject({ code: 'policy.other-weights' });
});

test('a folder without weights cannot be of a revision', async () => {
  const folder = await scratchFolder({ 'model.safetensors': 'weights' });
  await rm(join(folder, 'model.safetensors'));
  await expect(requireRevision(folder, digest)).rejects.toMatchObject({ code: 'policy.no-weights' });
});
