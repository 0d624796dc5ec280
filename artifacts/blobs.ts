import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256, sha256File } from '../core/digest.js';
import { RetryableError, TerminalError } from '../core/errors.js';
import type { ObjectStore } from './object-store.js';

/** A blob as manifests name it. */
export interface BlobRef {
  readonly digest: string;
  readonly bytes: number;
  readonly mediaType: string;
}

/** `<first two>/<digest>`: the layout of blobs in the store and in the local folder. */
export function blobPath(digest: string): string {
  return `${digest.slice(0, 2)}/${digest}`;
}

/**
 * Immutable bytes named by their sha256, with a local folder in front of the store. Every read is verified: a flipped
 * byte in the store is a {@link TerminalError}, one in the local folder is fetched again.
 */
export class Blobs {
  constructor(
    private readonly objects: ObjectStore,
    /** Local content-addressed folder; frame packs are read from it by the trainer. */
    readonly folder: string,
  ) {}

  /** Stores bytes; an existing blob is not sent again. */
  async put(bytes: Uint8Array, mediaType: string): Promise<BlobRef> {
    const digest = sha256(bytes);
    const name = `blobs/sha256/${blobPath(digest)}`;
    if (!(await this.objects.exists(name))) await this.objects.write(name, bytes, mediaType);
    return { digest, bytes: bytes.byteLength, mediaType };
  }

  async putText(text: string, mediaType: string): Promise<BlobRef> {
    return this.put(Buffer.from(text, 'utf8'), mediaType);
  }

  /** Stores a file without holding all of it in memory. */
  async putFile(path: string, mediaType: string): Promise<BlobRef> {
    const digest = await sha256File(path);
    const { size } = await stat(path);
    const name = `blobs/sha256/${blobPath(digest)}`;
    if (!(await this.objects.exists(name))) await this.objects.writeFile(name, path, mediaType);
    return { digest, bytes: size, mediaType };
  }

  /** The bytes of a blob, verified. */
  async get(digest: string): Promise<Buffer> {
    return readFile(await this.fetch(digest));
  }

  async getText(digest: string): Promise<string> {
    return (await this.get(digest)).toString('utf8');
  }

  /** Makes sure that a blob lies in the local folder, and returns its path. */
  async fetch(digest: string): Promise<string> {
    const path = join(this.folder, blobPath(digest));
    if ((await sha256File(path).catch(() => null)) === digest) return path;
    const name = `blobs/sha256/${blobPath(digest)}`;
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await this.#download(name, digest, temporary);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    return path;
  }

  async #download(name: string, digest: string, path: string): Promise<void> {
    if (!(await this.objects.readFile(name, path))) {
      throw new TerminalError('store.blob-missing', `blob ${digest} is not in the store`, {
        fields: { digest },
        fix: 'resume the run with `--rerun STAGE` for the stage that made it',
      });
    }
    const found = await sha256File(path);
    if (found !== digest) {
      throw new TerminalError(
        'store.blob-corrupt',
        `${this.objects.address(name)} holds bytes of digest ${found}`,
        {
          fields: { digest, found },
          fix: 'remove that object, and resume the run with `--rerun STAGE` for the stage that made it',
        },
      );
    }
  }
}

/**
 * Writes a file so that readers see all of it or nothing, also when the process is killed on the way. What a crash of the
 * machine leaves is found by its digest, so nothing is forced to the disk.
 */
export async function writeAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new RetryableError('disk.write-failed', `could not write ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
