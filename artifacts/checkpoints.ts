import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { copyFile, mkdir } from 'node:fs/promises';
import type { Blobs } from './blobs.js';
import type { ObjectStore } from './object-store.js';

const Checkpoint = z.strictObject({
  step: z.int(),
  attempt: z.int(),
  /** File name -> blob digest; complete by construction, since this record is written after its blobs. */
  files: z.record(z.string(), z.string()),
});
export type Checkpoint = z.infer<typeof Checkpoint>;

/**
 * Training checkpoints of a stage that has no manifest yet: `checkpoints/<stage>/<key>/<attempt>/<step>.json`. Attempts
 * write to folders of their own, so a zombie cannot spoil what its successor reads; the newest complete one wins.
 */
export class Checkpoints {
  constructor(
    private readonly objects: ObjectStore,
    private readonly blobs: Blobs,
  ) {}

  /** Uploads a folder's files, then the record; keeps the last two of this attempt. */
  async save(stage: string, key: string, attempt: number, step: number, folder: string): Promise<void> {
    const files: Record<string, string> = {};
    for (const file of (await readdir(folder, { recursive: true, withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      files[path.slice(folder.length + 1)] = (
        await this.blobs.putFile(path, 'application/octet-stream')
      ).digest;
    }
    const record: Checkpoint = { step, attempt, files };
    const prefix = `checkpoints/${stage}/${key}/${attempt}/`;
    const name = `${prefix}${String(step).padStart(8, '0')}.json`;
    await this.objects.write(name, Buffer.from(JSON.stringify(record)), 'application/json');
    for (const old of (await this.objects.list(prefix)).slice(0, -2)) await this.objects.remove(old);
  }

  /** The newest complete checkpoint of any attempt, or null. */
  async newest(stage: string, key: string): Promise<Checkpoint | null> {
    let best: { name: string; step: number } | null = null;
    for (const name of await this.objects.list(`checkpoints/${stage}/${key}/`)) {
      const step = Number(basename(name, '.json'));
      if (best === null || step >= best.step) best = { name, step };
    }
    if (best === null) return null;
    const bytes = await this.objects.read(best.name);
    return bytes === null ? null : Checkpoint.parse(JSON.parse(bytes.toString('utf8')));
  }

  /** Lays a checkpoint's files out in a folder. */
  async restore(checkpoint: Checkpoint, folder: string): Promise<void> {
    for (const [file, digest] of Object.entries(checkpoint.files)) {
      const target = join(folder, file);
      await mkdir(join(target, '..'), { recursive: true });
      await copyFile(await this.blobs.fetch(digest), target);
    }
  }

  /** Removes all checkpoints of a finished stage. */
  async clear(stage: string, key: string): Promise<void> {
    for (const name of await this.objects.list(`checkpoints/${stage}/${key}/`))
      await this.objects.remove(name);
  }
}
