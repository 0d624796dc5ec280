import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256, sha256File } from '../../core/digest.js';
import { freshStore } from './store.js';

describe('blobs', () => {
  it('come back as they went in, under their digest, also on another machine', async () => {
    const prefix = `test-${randomUUID()}/`;
    const here = await freshStore(prefix);
    const there = await freshStore(prefix);
    const bytes = Buffer.from([0, 255, 1, 254, 10, 13]);
    const ref = await here.blobs.put(bytes, 'application/octet-stream');
    expect(ref).toEqual({ digest: sha256(bytes), bytes: 6, mediaType: 'application/octet-stream' });
    expect(await there.blobs.get(ref.digest)).toEqual(bytes);
    expect(await readFile(await there.blobs.fetch(ref.digest))).toEqual(bytes);
  });

  it('are written once: a second upload changes nothing', async () => {
    const store = await freshStore();
    const first = await store.blobs.putText('same', 'text/plain');
    await store.objects.write(
      `blobs/sha256/${first.digest.slice(0, 2)}/${first.digest}`,
      Buffer.from('same'),
      'text/x-mark',
    );
    expect(await store.blobs.putText('same', 'text/plain')).toEqual(first);
    expect(await store.objects.list('blobs/')).toHaveLength(1);
  });

  it('larger than a part come back as they went in, in parts', async () => {
    const prefix = `test-${randomUUID()}/`;
    const here = await freshStore(prefix);
    const there = await freshStore(prefix);
    const folder = await mkdtemp(join(tmpdir(), 'large-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'weights');
    const file = await open(path, 'w');
    // A hole of one part and some, with bytes at both ends.
    await file.write('begin', 0);
    await file.write('end', 70 * 2 ** 20);
    await file.close();
    const ref = await here.blobs.putFile(path, 'application/octet-stream');
    expect(ref).toMatchObject({ digest: await sha256File(path), bytes: 70 * 2 ** 20 + 3 });
    expect(await sha256File(await there.blobs.fetch(ref.digest))).toBe(ref.digest);
    expect(await here.blobs.putFile(path, 'application/octet-stream')).toEqual(ref);
  });

  it('that are missing are a terminal error naming the digest', async () => {
    const store = await freshStore();
    const digest = sha256('never stored');
    await expect(store.blobs.get(digest)).rejects.toMatchObject({
      code: 'store.blob-missing',
      retryable: false,
      fields: { digest },
    });
  });

  it('damaged in the local folder are fetched again', async () => {
    const store = await freshStore();
    const { digest } = await store.blobs.putText('right', 'text/plain');
    const path = await store.blobs.fetch(digest);
    await writeFile(path, 'wrong');
    expect(await store.blobs.getText(digest)).toBe('right');
  });

  it('with a flipped byte in the store are a terminal error naming both digests', async () => {
    const store = await freshStore();
    const { digest } = await store.blobs.putText('right', 'text/plain');
    await store.objects.write(`blobs/sha256/${digest.slice(0, 2)}/${digest}`, Buffer.from('wrong'));
    await expect(store.blobs.get(digest)).rejects.toMatchObject({
      code: 'store.blob-corrupt',
      retryable: false,
      fields: { digest, found: sha256('wrong') },
    });
    // Nothing of it stays behind to be taken for the blob.
    expect(await readdir(join(store.blobs.folder, digest.slice(0, 2)))).toEqual([]);
  });
});
