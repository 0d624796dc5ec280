import { basename } from 'node:path';
import { z } from 'zod';
import type { ObjectStore } from './object-store.js';

const prefix = 'lost/';

const LostBlob = z.strictObject({ digest: z.string(), found: z.string().nullable() });

/**
 * Blobs that somebody needed and that were not there, or not whole: `lost/<digest>.json`. A finished stage that refers to
 * one does not count as finished; once the stage has run again and stored the blob, the note goes.
 */
export class LostBlobs {
  constructor(
    private readonly objects: ObjectStore,
    private readonly isStored: (digest: string) => Promise<boolean>,
  ) {}

  /** `found`: the digest of the bytes that were in its place, null where there was nothing. */
  async note(digest: string, found: string | null): Promise<void> {
    const note = LostBlob.parse({ digest, found });
    await this.objects.write(
      `${prefix}${digest}.json`,
      Buffer.from(JSON.stringify(note)),
      'application/json',
    );
  }

  /** The digests that are still not there; as good as always none, at the price of one listing. */
  async list(): Promise<Set<string>> {
    const lost = new Set<string>();
    for (const name of await this.objects.list(prefix)) {
      const digest = basename(name, '.json');
      if (await this.isStored(digest)) await this.objects.remove(name);
      else lost.add(digest);
    }
    return lost;
  }
}
