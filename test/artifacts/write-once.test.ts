import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeOnce } from '../../artifacts/write-once.js';
import type { ObjectStore } from '../../artifacts/object-store.js';
import { freshStore } from './store.js';

const type = 'application/octet-stream';

/** The store, with a conditional put as the local gateway makes it of a large body: the check, and much later the write. */
function checkedLongBefore(objects: ObjectStore, ms: number): ObjectStore {
  const writeIfAbsent = async (name: string, bytes: Uint8Array, mediaType: string): Promise<void> => {
    if ((await objects.read(name)) !== null) return;
    await sleep(ms);
    await objects.write(name, bytes, mediaType);
  };
  return new Proxy(objects, {
    get: (store, key: keyof ObjectStore) =>
      key === 'writeIfAbsent' ? writeIfAbsent : (store[key] as () => unknown).bind(store),
  });
}

describe('an object that is written once', () => {
  it('is what the first wrote, for whoever comes later', async () => {
    const { objects } = await freshStore();
    expect((await writeOnce(objects, 'one', Buffer.from('first'), type)).toString()).toBe('first');
    expect((await writeOnce(objects, 'one', Buffer.from('second'), type)).toString()).toBe('first');
    expect(await objects.list('claims/')).toEqual([]);
  });

  it('is one for 16 writers, though slow ones are let past the gateway’s check before a quick one is done', async () => {
    const prefix = `test-${randomUUID()}/`;
    const stores = await Promise.all(Array.from({ length: 16 }, () => freshStore(prefix)));
    // All checks of the slow half are made before the first of the others has written, and all their writes come after.
    const adopted = await Promise.all(
      stores.map(async ({ objects }, i) => {
        const slow = i % 2 === 0;
        if (!slow) await sleep(300 + 5 * i);
        const store = slow ? checkedLongBefore(objects, 800 + 20 * i) : objects;
        return (await writeOnce(store, 'contested', Buffer.alloc(100, i), type))[0];
      }),
    );
    expect(new Set(adopted).size).toBe(1);
    expect((await stores[0]!.objects.read('contested'))![0]).toBe(adopted[0]);
  });

  it('is written though a killed writer left its claim', async () => {
    const { objects } = await freshStore();
    await objects.write('claims/one/dead', Buffer.from('{}'));
    expect((await writeOnce(objects, 'one', Buffer.from('first'), type)).toString()).toBe('first');
    expect(await objects.list('claims/')).toEqual(['claims/one/dead']);
  });
});
