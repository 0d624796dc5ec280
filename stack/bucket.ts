import {
  AbortMultipartUploadCommand,
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketName, type Endpoints } from './endpoints.js';

/** Creates the bucket of the embedded stack if it is not there; at once a signed request that proves the gateway. */
export async function ensureBucket(store: Endpoints['store']): Promise<void> {
  await withClient(store, async (client) => {
    try {
      await client.send(new HeadBucketCommand({ Bucket: bucketName }));
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
      try {
        await client.send(new CreateBucketCommand({ Bucket: bucketName }));
      } catch (creation) {
        if (!(creation instanceof BucketAlreadyOwnedByYou)) throw creation;
      }
    }
  });
}

/**
 * Takes back the uploads in parts and the writers' claims that killed processes left in the bucket of the embedded stack;
 * gives back how many. To be called while nobody writes.
 */
export async function removeUnfinished(store: Endpoints['store']): Promise<number> {
  return withClient(store, async (client) => {
    const Bucket = bucketName;
    const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    for (const { Key, UploadId } of uploads) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
    // As `artifacts/write-once.ts` names them.
    const claims = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'claims/' }));
    for (const { Key } of claims.Contents ?? []) await client.send(new DeleteObjectCommand({ Bucket, Key }));
    return uploads.length + (claims.Contents?.length ?? 0);
  });
}

/** An upload in parts that was begun and neither finished nor taken back. */
export interface UnfinishedUpload {
  readonly name: string;
  readonly since: Date;
}

/** Unfinished uploads in a bucket, below its prefix where it has one; those at work are among them. */
export async function unfinishedUploads(
  store: Endpoints['store'],
  abortSignal: AbortSignal,
): Promise<UnfinishedUpload[]> {
  return withClient(
    store,
    async (client) => {
      const asked = { Bucket: store.bucket, ...(store.prefix === undefined ? {} : { Prefix: store.prefix }) };
      const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand(asked), {
        abortSignal,
      });
      return uploads.map(({ Key, Initiated }) => ({ name: Key ?? '?', since: Initiated ?? new Date(0) }));
    },
    { maxAttempts: 1 },
  );
}

/** Runs `work` with a client of the store; without keys the AWS SDK's own chain is asked. */
export async function withClient<T>(
  store: Endpoints['store'],
  work: (client: S3Client) => Promise<T>,
  options: { readonly maxAttempts?: number } = {},
): Promise<T> {
  const { endpoint, region, forcePathStyle, accessKeyId, secretAccessKey } = store;
  const client = new S3Client({
    ...options,
    ...(endpoint === undefined ? {} : { endpoint }),
    region,
    forcePathStyle,
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  });
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}
