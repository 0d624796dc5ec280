import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256, sha256File } from '../core/digest.js';
import { RetryableError, TerminalError } from '../core/errors.js';
import { partialName } from '../core/partial-name.js';
import { LostBlobs } from './lost-blobs.js';
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

const blobName = (digest: string): string => `blobs/sha256/${blobPath(digest)}`;

/**
 * Immutable bytes named by their sha256, with a local folder in front of the store. Every read is verified. A flipped byte
 * in the local folder is fetched again; one in the store is a {@link TerminalError}, and from then on the blob counts as
 * lost: its bytes are removed, so that the next who has the right ones stores them.
 */
export class Blobs {
  readonly lost: LostBlobs;

  constructor(
    private readonly objects: ObjectStore,
    /** Local content-addressed folder; frame packs are read from it by the trainer. */
    readonly folder: string,
  ) {
    this.lost = new LostBlobs(objects, (digest) => objects.exists(blobName(digest)));
  }

  /** Stores bytes; an existing blob is not sent again. */
  async put(bytes: Uint8Array, mediaType: string): Promise<BlobRef> {
    const digest = sha256(bytes);
    const name = blobName(digest);
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
    const name = blobName(digest);
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

  /**
   * Makes sure that a blob lies in the local folder, and returns its path.
   * @throws TerminalError `store.blob-missing`, `store.blob-corrupt`
   */
  async fetch(digest: string): Promise<string> {
    const path = join(this.folder, blobPath(digest));
    if ((await sha256File(path).catch(() => null)) === digest) return path;
    const partial = partialName(join(this.folder, 'partial', digest));
    await mkdir(dirname(partial), { recursive: true });
    await mkdir(dirname(path), { recursive: true });
    try {
      await this.#download(digest, partial);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
    return path;
  }

  async #download(digest: string, path: string): Promise<void> {
    let found = await this.#digestOfDownload(digest, path);
    // What was damaged on its way is whole the next time.
    if (found !== null && found !== digest) found = await this.#digestOfDownload(digest, path);
    if (found === digest) return;
    await this.lost.note(digest, found);
    const address = this.objects.address(blobName(digest));
    const fix = 'resume the run: the stage that made it runs again';
    if (found === null) {
      throw new TerminalError('store.blob-missing', `${address} is not in the store`, {
        fields: { digest },
        fix,
      });
    }
    await this.objects.remove(blobName(digest));
    throw new TerminalError(
      'store.blob-corrupt',
      `${address} is damaged: expected bytes of digest ${digest}, found ${found}`,
      { fields: { digest, found }, fix },
    );
  }

  /** Digest of what the store holds in a blob's place, null where there is nothing; `path` then holds the bytes. */
  async #digestOfDownload(digest: string, path: string): Promise<string | null> {
    return (await this.objects.readFile(blobName(digest), path)) ? await sha256File(path) : null;
  }
}

/**
 * Writes a file so that readers see all of it or nothing, also when the process is killed on the way. What a crash of the
 * machine leaves is found by its digest, so nothing is forced to the disk.
 */
export async function writeAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = partialName(path);
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
