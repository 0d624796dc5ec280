import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isDamage } from './damage.js';
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

  /** The newest checkpoint of any attempt whose record can be read, or null. */
  async newest(stage: string, key: string): Promise<Checkpoint | null> {
    for (const name of await this.#newestFirst(stage, key)) {
      const checkpoint = await this.#read(name, () => undefined);
      if (checkpoint !== null) return checkpoint;
    }
    return null;
  }

  /**
   * Lays the files of the newest complete checkpoint out in a folder; null, and no folder, where there is none. One that
   * cannot be read, or that names a blob which is lost, is passed over for the one before it, with a line for the log.
   */
  async restoreNewest(
    stage: string,
    key: string,
    folder: string,
    log: (line: string) => void,
  ): Promise<Checkpoint | null> {
    for (const name of await this.#newestFirst(stage, key)) {
      const checkpoint = await this.#read(name, log);
      if (checkpoint === null) continue;
      try {
        await this.#restore(checkpoint, folder);
        return checkpoint;
      } catch (error) {
        if (!isDamage(error)) throw error;
        log(`checkpoint ${this.objects.address(name)} is passed over: ${error.message}`);
        await rm(folder, { recursive: true, force: true });
      }
    }
    return null;
  }

  /** By step; of equal steps the later attempt's, so that what outlived its successor's start never comes before it. */
  async #newestFirst(stage: string, key: string): Promise<string[]> {
    const named = (await this.objects.list(`checkpoints/${stage}/${key}/`)).map((name) => {
      const [step, attempt] = [Number(basename(name, '.json')), Number(basename(dirname(name)))];
      return { name, step, attempt };
    });
    return named
      .filter(({ step, attempt }) => Number.isInteger(step) && Number.isInteger(attempt))
      .sort((a, b) => b.step - a.step || b.attempt - a.attempt)
      .map(({ name }) => name);
  }

  async #read(name: string, log: (line: string) => void): Promise<Checkpoint | null> {
    try {
      const bytes = await this.objects.read(name);
      return bytes === null ? null : Checkpoint.parse(JSON.parse(bytes.toString('utf8')));
    } catch (error) {
      if (!(isDamage(error) || error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
      log(`checkpoint ${this.objects.address(name)} cannot be read and is passed over: ${error.message}`);
      return null;
    }
  }

  async #restore(checkpoint: Checkpoint, folder: string): Promise<void> {
    for (const [file, digest] of Object.entries(checkpoint.files)) {
      const target = join(folder, file);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(await this.blobs.fetch(digest), target);
    }
  }

  /** Removes all checkpoints of a finished stage. */
  async clear(stage: string, key: string): Promise<void> {
    for (const name of await this.objects.list(`checkpoints/${stage}/${key}/`))
      await this.objects.remove(name);
  }
}
