import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { HindsightError, RetryableError, TerminalError } from '../core/errors.js';
import { partBytes, writeInParts } from './multipart.js';

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

/** A connection that is silent for this long is given up and the request sent again: a store can hang as well as be gone. */
const silenceMs = 30_000;

/** Errors of the service that no second try can mend. */
const terminalCodes = new Set([
  'NoSuchBucket',
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
]);

/** What the gateway says of a full disk or a used-up quota. */
const fullCodes = new Set(['InsufficientStorage', 'QuotaExceeded']);

/** How the SDK says that the bytes of an object are not those that were stored. */
const checksumMismatch = /^Checksum mismatch: expected "(?<expected>[^"]*)" but received "(?<found>[^"]*)"/;

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
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: 5000, socketTimeout: silenceMs },
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

  /** The bytes of an object, compared with the checksum the store keeps of them; null when there is none. */
  async read(name: string): Promise<Buffer | null> {
    try {
      const response = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + name, ChecksumMode: 'ENABLED' }),
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

  /**
   * Writes an object's bytes to a file, never all of them in memory; false when there is no such object. Whether they are
   * the right ones is for the caller to tell, by their digest.
   */
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
      else {
        const target = { Bucket: this.#bucket, Key: this.#prefix + name };
        await writeInParts(this.#client, target, file, size, mediaType);
      }
    } catch (error) {
      throw error instanceof HindsightError ? error : this.#failure('write', name, error);
    } finally {
      await file.close();
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

  /** Writes an object unless the store has one of that name, as far as its check can be trusted; see {@link writeOnce}. */
  async writeIfAbsent(name: string, bytes: Uint8Array, mediaType: string): Promise<void> {
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

  /**
   * What went wrong, as one of ours: `store.full`, `store.object-corrupt` and `store.refused` are terminal,
   * `store.unreachable` is not.
   */
  #failure(verb: string, name: string, cause: unknown): Error {
    const code = cause instanceof Error ? cause.name : 'unknown';
    const text = cause instanceof Error ? cause.message : String(cause);
    const address = this.address(name);
    const message = `could not ${verb} ${address}: ${text}`;
    const fields = { name, s3Code: code };
    if (fullCodes.has(code)) {
      const fix = 'make room on the disk of the store (or raise its quota), then `hindsight resume RUN`';
      return new TerminalError('store.full', message, { cause, fields, fix });
    }
    const { expected, found } = checksumMismatch.exec(text)?.groups ?? {};
    if (expected !== undefined && found !== undefined) {
      return new TerminalError(
        'store.object-corrupt',
        `${address} is damaged: its checksum was ${expected} when it was stored and is ${found} now`,
        { cause, fields: { name, expected, found }, fix: 'remove that object and resume the run' },
      );
    }
    return terminalCodes.has(code)
      ? new TerminalError('store.refused', message, {
          cause,
          fields,
          fix: 'check the bucket and its credentials',
        })
      : new RetryableError('store.unreachable', message, { cause, fields });
  }
}
