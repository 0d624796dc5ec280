import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { importSource } from '../../../datasets/importers/import-source.js';

it('reads videos beside the annotation file unless a folder is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'import-source-'));
  const annotations = join(folder, 'clips.jsonl');
  await writeFile(annotations, '{"path":"a.mp4","label":"Normal"}\n');
  const beside = await importSource({ kind: 'jsonl', annotations });
  expect(beside.annotations[0]).toMatchObject({ path: join(folder, 'a.mp4'), from: 'clips.jsonl:1' });
  const named = await importSource({ kind: 'jsonl', annotations, videos: '/videos' });
  expect(named.annotations[0]!.path).toBe('/videos/a.mp4');
  await expect(importSource({ kind: 'vad-reasoning', annotations, prefixMap: {} })).rejects.toThrow(
    InputError,
  );
});

it('says which annotation file is missing', async () => {
  await expect(importSource({ kind: 'jsonl', annotations: '/nowhere/a.jsonl' })).rejects.toThrow(
    /nowhere\/a\.jsonl.*cannot be read/,
  );
});
