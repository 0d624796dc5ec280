import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryableError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';

/** Names of writers at work on an object: `claims/<name>/<random>`, and `<random>.written` once they have written. */
export const claimsPrefix = 'claims/';
const written = '.written';

/** A writer that takes longer was killed: far longer than a put takes, on a busy machine too. */
const deadMs = 5000;
const lookMs = 50;

/**
 * Writes an object unless one of that name exists, and gives back what all readers see: one of several writers wins, the
 * others adopt its bytes. Does not rest on the conditional put, whose check the local gateway makes without a lock, so
 * that a slower writer may replace the object of a quicker one that has read it back already. So every writer leaves a
 * claim before it writes and looks for others' after: alone, nobody can replace what it wrote, since whoever claims
 * later finds the object; not alone, it waits until they all say that they have written. Claims go only after that: a
 * listing made while names go may leave out others.
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
  const left = [mine];
  await objects.write(mine, Buffer.from('{}'), 'application/json');
  try {
    await objects.writeIfAbsent(name, bytes, mediaType);
    const alone = (await objects.list(claims)).every((claim) => claim === mine);
    if (!alone) {
      left.push(mine + written);
      await objects.write(mine + written, Buffer.from('{}'), 'application/json');
      await othersWritten(objects, claims);
    }
    return await readBack(objects, name);
  } finally {
    for (const claim of left) await objects.remove(claim).catch(() => undefined);
  }
}

/** Waits until all who hold a claim have written, but for killed writers. */
async function othersWritten(objects: ObjectStore, claims: string): Promise<void> {
  let last = '';
  for (let since = Date.now(); Date.now() - since < deadMs; await sleep(lookMs)) {
    const held = new Set(await objects.list(claims));
    const writing = [...held].filter((claim) => !claim.endsWith(written) && !held.has(claim + written));
    if (writing.length === 0) return;
    if (writing.join() !== last) since = Date.now();
    last = writing.join();
  }
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
