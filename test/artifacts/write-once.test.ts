import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeOnce } from '../../artifacts/write-once.js';
import { freshStore } from './store.js';

const type = 'application/octet-stream';

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
    // Half of them send so much that their check lies well before their write; the others come between the two.
    const adopted = await Promise.all(
      stores.map(async ({ objects }, i) => {
        const slow = i % 2 === 0;
        if (!slow) await sleep(5 * i);
        const bytes = Buffer.alloc(slow ? 4 * 2 ** 20 : 100, i);
        return (await writeOnce(objects, 'contested', bytes, type))[0];
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
