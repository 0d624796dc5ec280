import type { FileHandle } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';

/** Files up to this size are sent as one object, larger ones in parts of it; S3 takes 10,000 parts, so 640 GB. */
export const partBytes = 64 * 2 ** 20;

/**
 * Uploads a file of `size` bytes in parts, one in memory at a time. The object appears when all of it is there. An upload
 * that fails is taken back; one whose process is killed lies unseen in the store until the stack is started again.
 */
export async function writeInParts(
  client: S3Client,
  target: { readonly Bucket: string; readonly Key: string },
  file: FileHandle,
  size: number,
  mediaType: string,
): Promise<void> {
  const created = await client.send(new CreateMultipartUploadCommand({ ...target, ContentType: mediaType }));
  const upload = { ...target, UploadId: created.UploadId };
  try {
    const parts: CompletedPart[] = [];
    const buffer = Buffer.alloc(partBytes);
    for (let start = 0; start < size; start += partBytes) {
      const body = buffer.subarray(0, Math.min(partBytes, size - start));
      await fill(file, body, start);
      const PartNumber = parts.length + 1;
      const sent = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body: body }));
      parts.push({ PartNumber, ETag: sent.ETag });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    // What was sent of it costs space until somebody removes it.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
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
