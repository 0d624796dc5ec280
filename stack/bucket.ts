import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  HeadBucketCommand,
  NotFound,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketName, type Endpoints } from './endpoints.js';

/** Creates the bucket of the embedded stack if it is not there; at once a signed request that proves the gateway. */
export async function ensureBucket(store: Endpoints['store']): Promise<void> {
  const { endpoint, region, forcePathStyle, accessKeyId = '', secretAccessKey = '' } = store;
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    region,
    forcePathStyle,
    credentials: { accessKeyId, secretAccessKey },
  });
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucketName }));
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucketName }));
    } catch (creation) {
      if (!(creation instanceof BucketAlreadyOwnedByYou)) throw creation;
    }
  } finally {
    client.destroy();
  }
}
