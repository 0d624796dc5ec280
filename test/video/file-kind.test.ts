import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutOffContainer, notAVideo, readHead } from '../../video/file-kind.js';
import { videoFolder } from './make-video.js';

const head = (bytes: string | Buffer): { head: Buffer; bytes: number } => ({
  head: Buffer.from(bytes),
  bytes: bytes.length,
});

describe('readHead', async () => {
  const folder = await videoFolder();
  it('reads the beginning and the size', async () => {
    const file = join(folder, 'long.bin');
    await writeFile(file, Buffer.alloc(5000, 'ab'));
    const found = await readHead(file);
    expect(found.bytes).toBe(5000);
    expect(found.head).toHaveLength(1024);
    expect(found.head.toString('latin1', 0, 4)).toBe('abab');
  });

  it('tells missing, empty and unreadable apart', async () => {
    await expect(readHead(join(folder, 'nowhere.mp4'))).rejects.toMatchObject({ reason: 'missing-file' });
    await writeFile(join(folder, 'file'), 'x');
    await expect(readHead(join(folder, 'file', 'below.mp4'))).rejects.toMatchObject({
      reason: 'missing-file',
    });
    await writeFile(join(folder, 'empty.mp4'), '');
    await expect(readHead(join(folder, 'empty.mp4'))).rejects.toMatchObject({
      reason: 'empty-file',
      code: 'video.empty-file',
    });
    await mkdir(join(folder, 'folder.mp4'));
    await expect(readHead(join(folder, 'folder.mp4'))).rejects.toMatchObject({
      reason: 'unreadable-file',
      message: 'a folder, not a video file',
    });
  });
});

describe('notAVideo', () => {
  it.each([
    [
      'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n',
      /Git LFS pointer.*git lfs pull/,
    ],
    ['<!DOCTYPE html>\n<html><body>404</body></html>', /HTML page.*download failed/],
    ['\n  <html lang="en">', /HTML page/],
    ['<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /XML document/],
    ['#EXTM3U\n#EXTINF:10,\nhttp://example.org/1.ts\n', /playlist/],
    ['{"error": "not found"}', /text file/],
    ['Ein kurzer Text über Köln', /text file/],
    [Buffer.alloc(1024), /zero bytes/],
    [Buffer.from('PK\x03\x04\x14\x00', 'latin1'), /ZIP/],
    [Buffer.from([0x1f, 0x8b, 8, 0]), /gzip/],
  ])('recognises %j', (bytes, message) => {
    const reject = notAVideo(head(bytes));
    expect(reject?.reason).toBe('not-a-video');
    expect(reject?.message).toMatch(message);
  });

  it('recognises an HTML page in Latin-1, and text cut inside a character', () => {
    expect(notAVideo(head(Buffer.from('<html><title>Größe</title>', 'latin1')))?.message).toMatch(/HTML/);
    expect(notAVideo(head(Buffer.from('für').subarray(0, 2)))?.message).toMatch(/text/);
  });

  it.each([
    ['MP4', Buffer.from('\0\0\0\x20ftypisom', 'latin1')],
    ['Matroska', Buffer.from([0x1a, 0x45, 0xdf, 0xa3])],
    ['raw H.264', Buffer.from([0, 0, 0, 1, 0x67])],
    ['Y4M, whose header is text', Buffer.from('YUV4MPEG2 W2 H2 F1:1\nFRAME\nAAAA')],
    ['MPEG-TS', Buffer.from([0x47, 0x40, 0, 0x10, 0])],
  ])('lets %s pass', (_, bytes) => {
    expect(notAVideo(head(bytes))).toBeNull();
  });
});

describe('cutOffContainer', () => {
  it('knows an MP4 without index and an AVI shorter than it says', () => {
    expect(cutOffContainer(head(Buffer.from('\0\0\0\x20ftypisom', 'latin1')))?.message).toMatch(
      /index \(moov\)/,
    );
    const avi = Buffer.concat([Buffer.from('RIFF'), Buffer.from([0xc8, 0, 0, 0]), Buffer.alloc(44)]);
    expect(cutOffContainer({ head: avi, bytes: 52 })?.message).toMatch(/25%/);
    expect(cutOffContainer({ head: avi, bytes: 208 })).toBeNull();
    expect(cutOffContainer(head('whatever'))).toBeNull();
  });
});
