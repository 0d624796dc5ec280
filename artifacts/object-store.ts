import { createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { RetryableError, TerminalError } from '../core/errors.js';

/** How to reach a bucket. Without keys the AWS SDK's own chain is asked (environment, profile, instance role). */
export interface StoreConnection {
  readonly endpoint?: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** Put before every object name, e.g. `team-a/`. */
  readonly prefix?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
}

/** Files up to this size are sent as one object, larger ones in parts of it; S3 takes 10,000 parts, so 640 GB. */
const partBytes = 64 * 2 ** 20;

/** Errors of the service that no second try can mend. */
const terminalCodes = new Set([
  'NoSuchBucket',
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
]);

function isMissing(error: unknown): boolean {
  return (
    error instanceof NoSuchKey ||
    error instanceof NotFound ||
    (error instanceof S3ServiceException &&
      error.$metadata.httpStatusCode === 404 &&
      error.name !== 'NoSuchBucket')
  );
}

/** Objects of one bucket by name: bytes in, bytes out, and the two kinds of error the pipeline knows. */
export class ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(connection: StoreConnection) {
    this.#bucket = connection.bucket;
    this.#prefix = connection.prefix ?? '';
    this.#client = new S3Client({
      region: connection.region,
      maxAttempts: 5,
      ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint }),
      ...(connection.forcePathStyle === undefined ? {} : { forcePathStyle: connection.forcePathStyle }),
      ...(connection.accessKeyId === undefined || connection.secretAccessKey === undefined
        ? {}
        : {
            credentials: { accessKeyId: connection.accessKeyId, secretAccessKey: connection.secretAccessKey },
          }),
    });
  }

  /** `s3://bucket/name`, as manifests and the command line name objects. */
  address(name: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${name}`;
  }

  /** The bytes of an object, or null when there is none. */
  async read(name: string): Promise<Buffer | null> {
    try {
      const response = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name }),
      );
      return Buffer.from((await response.Body?.transformToByteArray()) ?? []);
    } catch (error) {
      if (isMissing(error)) return null;
      throw this.#failure('read', name, error);
    }
  }

  async exists(name: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name }));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw this.#failure('look up', name, error);
    }
  }

  /** Writes an object's bytes to a file, never all of them in memory; false when there is no such object. */
  async readFile(name: string, path: string): Promise<boolean> {
    try {
      const response = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name }),
      );
      await pipeline(response.Body as Readable, createWriteStream(path));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw this.#failure('read', name, error);
    }
  }

  /** Stores a file, a part in memory at a time. */
  async writeFile(name: string, path: string, mediaType: string): Promise<void> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size <= partBytes) await this.write(name, await file.readFile(), mediaType);
      else await this.#writeParts(name, file, size, mediaType);
    } finally {
      await file.close();
    }
  }

  async #writeParts(name: string, file: FileHandle, size: number, mediaType: string): Promise<void> {
    const target = { Bucket: this.#bucket, Key: this.#prefix + name };
    let upload: string | undefined;
    try {
      const created = await this.#client.send(
        new CreateMultipartUploadCommand({ ...target, ContentType: mediaType }),
      );
      upload = created.UploadId;
      const parts: CompletedPart[] = [];
      const buffer = Buffer.alloc(partBytes);
      for (let start = 0; start < size; start += partBytes) {
        const body = buffer.subarray(0, Math.min(partBytes, size - start));
        await fill(file, body, start);
        const PartNumber = parts.length + 1;
        const sent = await this.#client.send(
          new UploadPartCommand({ ...target, UploadId: upload, PartNumber, Body: body }),
        );
        parts.push({ PartNumber, ETag: sent.ETag });
      }
      await this.#client.send(
        new CompleteMultipartUploadCommand({
          ...target,
          UploadId: upload,
          MultipartUpload: { Parts: parts },
        }),
      );
    } catch (error) {
      // What was sent of it costs space until somebody removes it.
      if (upload !== undefined) {
        await this.#client
          .send(new AbortMultipartUploadCommand({ ...target, UploadId: upload }))
          .catch(() => undefined);
      }
      throw this.#failure('write', name, error);
    }
  }

  async write(name: string, bytes: Uint8Array, mediaType = 'application/octet-stream'): Promise<void> {
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: this.#prefix + name,
          Body: bytes,
          ContentType: mediaType,
        }),
      );
    } catch (error) {
      throw this.#failure('write', name, error);
    }
  }

  /**
   * Writes an object unless one of that name exists, then reads back what readers will see. The condition alone is not
   * trusted: the local gateway checks it without a lock, so two writers can both believe they won; the read tells.
   */
  async writeOnce(name: string, bytes: Uint8Array, mediaType: string): Promise<Buffer> {
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: this.#prefix + name,
          Body: bytes,
          ContentType: mediaType,
          IfNoneMatch: '*',
        }),
      );
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status !== 412 && status !== 409) throw this.#failure('write', name, error);
    }
    const stored = await this.read(name);
    if (stored === null) {
      throw new RetryableError(
        'store.lost-write',
        `${this.address(name)} was written but cannot be read back`,
      );
    }
    return stored;
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name }));
    } catch (error) {
      throw this.#failure('remove', name, error);
    }
  }

  /** Names below a prefix, sorted; with `delimiter` only the next level (names then end with it). */
  async list(prefix: string, options: { readonly delimiter?: string } = {}): Promise<string[]> {
    const names: string[] = [];
    let token: string | undefined;
    do {
      try {
        const page = await this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + prefix,
            ContinuationToken: token,
            Delimiter: options.delimiter,
          }),
        );
        for (const object of page.Contents ?? []) names.push(object.Key!.slice(this.#prefix.length));
        for (const folder of page.CommonPrefixes ?? []) names.push(folder.Prefix!.slice(this.#prefix.length));
        token = page.NextContinuationToken;
      } catch (error) {
        throw this.#failure('list', prefix, error);
      }
    } while (token !== undefined);
    return names.sort();
  }

  close(): void {
    this.#client.destroy();
  }

  #failure(verb: string, name: string, cause: unknown): Error {
    const code = cause instanceof Error ? cause.name : 'unknown';
    const message = `could not ${verb} ${this.address(name)}: ${cause instanceof Error ? cause.message : String(cause)}`;
    const fields = { name, s3Code: code };
    return terminalCodes.has(code)
      ? new TerminalError('store.refused', message, {
          cause,
          fields,
          fix: 'check the bucket and its credentials',
        })
      : new RetryableError('store.unreachable', message, { cause, fields });
  }
}

/** Reads exactly as many bytes as `into` holds. */
async function fill(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error(`the file ended at byte ${position + done}`);
    done += bytesRead;
  }
}
