import { open, stat } from 'node:fs/promises';
import { RetryableError } from '../core/errors.js';
import { VideoReject } from './reject.js';

const HEAD_BYTES = 1024;

/** The first bytes of a file and its length: enough to tell what is certainly no video. */
export interface FileHead {
  readonly head: Buffer;
  readonly bytes: number;
}

/**
 * Reads the beginning of a file. Throws a {@link VideoReject} (`missing-file`, `unreadable-file`, `empty-file`), or a
 * {@link RetryableError} where the disk or the machine is at fault.
 */
export async function readHead(path: string): Promise<FileHead> {
  try {
    const found = await stat(path);
    if (!found.isFile()) {
      const kind = found.isDirectory() ? 'a folder' : 'not a regular file';
      throw new VideoReject('unreadable-file', `${kind}, not a video file`);
    }
    if (found.size === 0) {
      throw new VideoReject('empty-file', 'the file has zero bytes: its download or copy failed');
    }
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return { head: buffer.subarray(0, bytesRead), bytes: found.size };
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof VideoReject) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new VideoReject('missing-file', 'there is no file at this path', { cause });
    }
    if (code === 'EACCES' || code === 'EPERM' || code === 'ELOOP' || code === 'ENAMETOOLONG') {
      throw new VideoReject('unreadable-file', `the file cannot be opened (${code})`, { cause });
    }
    throw new RetryableError('video.read-failed', `reading ${path} failed (${code})`, { cause });
  }
}

/** The text of the bytes if they are plain text in UTF-8, else null. The last character may be cut off. */
function asText(head: Buffer): string | null {
  const text = new TextDecoder('utf-8').decode(head, { stream: true });
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character === '\uFFFD' || code === 127) return null;
    if (code < 32 && !'\t\n\r\f'.includes(character)) return null;
  }
  return text.trimStart();
}

/**
 * Why the file is certainly no video, judged by its first bytes; null if it may be one. Looked at before any demuxer:
 * ffprobe would take a playlist for a video and open what it names.
 */
export function notAVideo({ head }: FileHead): VideoReject | null {
  const reject = (message: string): VideoReject => new VideoReject('not-a-video', message);
  if (head.every((byte) => byte === 0)) {
    return reject('the file begins with nothing but zero bytes: its download or copy broke off');
  }
  if (head.subarray(0, 4).equals(Buffer.from('PK\x03\x04')))
    return reject('a ZIP archive, not a video: unpack it');
  if (head[0] === 0x1f && head[1] === 0x8b) return reject('a gzip archive, not a video: unpack it');
  if (head.subarray(0, 9).equals(Buffer.from('YUV4MPEG2'))) return null;
  // In Latin-1, since error pages are not always UTF-8.
  if (/^\s*(<!doctype html|<html|<head|<body)/i.test(head.toString('latin1'))) {
    return reject('an HTML page, not a video: the download failed');
  }
  const text = asText(head);
  if (text === null) return null;
  if (text.startsWith('version https://git-lfs.github.com/spec/')) {
    return reject('a Git LFS pointer, not the video: run `git lfs pull`');
  }
  if (text.startsWith('<')) return reject('an XML document, not a video: the download failed');
  if (text.startsWith('#EXTM3U')) return reject('a playlist, not the video itself');
  return reject('a text file, not a video');
}

/** Whether a file that no demuxer opens is a video whose end is missing. */
export function cutOffContainer({ head, bytes }: FileHead): VideoReject | null {
  const isMp4 = head.subarray(4, 8).equals(Buffer.from('ftyp'));
  if (isMp4) {
    return new VideoReject(
      'truncated',
      'an MP4 file without its index (moov): the end of the file is missing',
    );
  }
  if (head.subarray(0, 4).equals(Buffer.from('RIFF')) && head.readUInt32LE(4) + 8 > bytes) {
    const share = Math.round((100 * bytes) / (head.readUInt32LE(4) + 8));
    return new VideoReject('truncated', `only ${share}% of the file are there: the rest is missing`);
  }
  return null;
}
