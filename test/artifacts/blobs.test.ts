import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { sha256, sha256File } from '../../core/digest.js';
import { packageRoot } from '../../core/package-root.js';
import { removeUnfinished } from '../../stack/bucket.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { flipByte } from './flip-byte.js';
import { freshStore, onDisk } from './store.js';

/** Hundreds of megabytes go to the disk and back. */
const slow = { timeout: 120_000 };

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

  it('with a byte flipped on the disk of the store are a terminal error naming both digests, and stored anew', async () => {
    const prefix = `test-${randomUUID()}/`;
    const store = await freshStore(prefix);
    const { digest } = await store.blobs.putText('right', 'text/plain');
    const name = `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
    await flipByte(onDisk(prefix, name));
    const found = sha256(await readFile(onDisk(prefix, name)));
    await expect(store.blobs.get(digest)).rejects.toMatchObject({
      code: 'store.blob-corrupt',
      retryable: false,
      message: expect.stringContaining(`expected bytes of digest ${digest}, found ${found}`) as string,
      fields: { digest, found },
    });
    // Nothing of it stays behind to be taken for the blob, here or in the store.
    expect(await readdir(join(store.blobs.folder, digest.slice(0, 2)))).toEqual([]);
    expect(await readdir(join(store.blobs.folder, 'partial'))).toEqual([]);
    expect(await store.blobs.lost.list()).toEqual(new Set([digest]));
    await store.blobs.putText('right', 'text/plain');
    expect(await store.blobs.getText(digest)).toBe('right');
    expect(await store.blobs.lost.list()).toEqual(new Set());
  });

  it('replaced by other bytes through the store itself are found by their digest', async () => {
    const store = await freshStore();
    const { digest } = await store.blobs.putText('right', 'text/plain');
    await store.objects.write(`blobs/sha256/${digest.slice(0, 2)}/${digest}`, Buffer.from('wrong'));
    await expect(store.blobs.get(digest)).rejects.toMatchObject({
      code: 'store.blob-corrupt',
      fields: { digest, found: sha256('wrong') },
    });
  });

  it(
    'of an upload whose process is killed on the way are not there, and the next is whole',
    slow,
    async () => {
      const prefix = `test-${randomUUID()}/`;
      const store = await freshStore(prefix);
      const folder = await mkdtemp(join(tmpdir(), 'large-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const path = join(folder, 'weights');
      const file = await open(path, 'w');
      await file.write('end', 200 * 2 ** 20);
      await file.close();
      const digest = await sha256File(path);
      const name = `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
      const parts = join(onDisk('', '.sgwtmp'), 'multipart');
      const before = await uploadsIn(parts);

      const child = fork(join(packageRoot, 'test', 'artifacts', 'upload.mjs'), [prefix, folder, path], {
        env: { ...process.env, HINDSIGHT_HOME: inject('home') },
      });
      for (const deadline = Date.now() + 20_000; (await uploadsIn(parts)) === before; await sleep(5))
        if (Date.now() > deadline) throw new Error('the upload never began');
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);

      expect(await store.objects.exists(name)).toBe(false);
      await expect(store.blobs.get(digest)).rejects.toMatchObject({ code: 'store.blob-missing' });
      await store.blobs.putFile(path, 'application/octet-stream');
      expect(await sha256File(await store.blobs.fetch(digest))).toBe(digest);
      // What the killed one had sent lies there unseen, until the stack is started again.
      expect(await uploadsIn(parts)).toBeGreaterThan(before);
      expect(await removeUnfinished((await loadEndpoints()).store)).toBeGreaterThan(0);
      expect(await uploadsIn(parts)).toBe(0);
    },
  );
});

/** Unfinished uploads in the gateway's folder. */
async function uploadsIn(folder: string): Promise<number> {
  const objects = await readdir(folder).catch(() => []);
  const uploads = await Promise.all(objects.map((object) => readdir(join(folder, object)).catch(() => [])));
  return uploads.flat().length;
}
