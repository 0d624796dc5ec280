import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryableError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';

/** Names of writers at work on an object: `claims/<name>/<random>`. */
export const claimsPrefix = 'claims/';

/** Contested, an object counts as settled when it has not changed for this long: far longer than a small put takes. */
const settledMs = 1000;
const lookMs = 100;

/**
 * Writes an object unless one of that name exists, and gives back what all readers see: one of several writers wins, the
 * others adopt its bytes. Does not rest on the conditional put, whose check the local gateway makes without a lock, so
 * that a slower writer may replace the object of a quicker one that has read it back already. So every writer leaves a
 * claim before it writes and looks for others' after: alone, nobody can replace what it wrote, since whoever claims
 * later finds the object; not alone, it waits until the object no longer changes.
 * @throws RetryableError `store.lost-write` when nothing can be read back
 */
export async function writeOnce(
  objects: ObjectStore,
  name: string,
  bytes: Uint8Array,
  mediaType: string,
): Promise<Buffer> {
  const claims = `${claimsPrefix}${name}/`;
  const mine = claims + randomUUID();
  await objects.write(mine, Buffer.from('{}'), 'application/json');
  try {
    await objects.writeIfAbsent(name, bytes, mediaType);
    const alone = (await objects.list(claims)).every((claim) => claim === mine);
    return alone ? await readBack(objects, name) : await settled(objects, name);
  } finally {
    await objects.remove(mine).catch(() => undefined);
  }
}

async function settled(objects: ObjectStore, name: string): Promise<Buffer> {
  let last = await readBack(objects, name);
  for (let since = Date.now(); Date.now() - since < settledMs; await sleep(lookMs)) {
    const now = await readBack(objects, name);
    if (!now.equals(last)) since = Date.now();
    last = now;
  }
  return last;
}

async function readBack(objects: ObjectStore, name: string): Promise<Buffer> {
  const stored = await objects.read(name);
  if (stored === null) {
    throw new RetryableError(
      'store.lost-write',
      `${objects.address(name)} was written but cannot be read back`,
    );
  }
  return stored;
}
