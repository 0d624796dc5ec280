import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { patchify } from '../../policy/processor.js';
import { FrameCache } from '../../training/frame-cache.js';
import { encodeFramePack } from '../../video/frame-pack.js';

const width = 28;
const height = 28;
const frameBytes = width * height * 3;
let folder: string;
const index = new Map<string, string>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frames-'));
  for (const [place, id] of ['a', 'b', 'c'].entries()) {
    const frames = [0, 3, 5, 9];
    const pixels = new Uint8Array(frames.length * frameBytes);
    frames.forEach((frame, k) => pixels.fill(place * 50 + frame, k * frameBytes, (k + 1) * frameBytes));
    const teacher = { width: 2, height: 2, indices: [0], pixels: new Uint8Array(12) };
    const bytes = encodeFramePack({
      width,
      height,
      frameCount: 10,
      fps: 8,
      frames: frames.map((i) => ({ index: i })),
      pixels,
      teacher,
    });
    const digest = sha256(bytes);
    await mkdir(join(folder, digest.slice(0, 2)), { recursive: true });
    await writeFile(join(folder, digest.slice(0, 2), digest), bytes);
    index.set(id, digest);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('frame cache', () => {
  it('gives the patches of the frames asked for, in that order, without the teacher frames', async () => {
    const cache = new FrameCache(folder, index);
    const video = await cache.patches('b', [9, 0]);
    const patches = new Float32Array(video.size);
    video.write(patches);
    const pixels = new Uint8Array(2 * frameBytes).fill(59, 0, frameBytes).fill(50, frameBytes);
    expect(video.grid).toEqual({ t: 1, h: 2, w: 2 });
    expect(patches).toEqual(patchify(pixels, { count: 2, height, width }).patches);
    expect((await cache.pack('b')).teacher).toBeNull();
  });

  it('holds at most its budget, dropping what was used longest ago', async () => {
    const cache = new FrameCache(folder, index, { maxBytes: 8 * frameBytes });
    const a = await cache.pack('a');
    const b = await cache.pack('b');
    expect(await cache.pack('a')).toBe(a);
    await cache.pack('c');
    expect(cache.bytes).toBe(8 * frameBytes);
    expect(await cache.pack('a')).toBe(a);
    expect(await cache.pack('b')).not.toBe(b);
    expect(cache.bytes).toBe(8 * frameBytes);
  });

  it('keeps only the frames that will be asked for', async () => {
    const cache = new FrameCache(folder, index, { wanted: () => [3, 5, 3] });
    expect((await cache.pack('a')).frames).toEqual([{ index: 3 }, { index: 5 }]);
    expect(cache.bytes).toBe(2 * frameBytes);
    await expect(cache.patches('a', [0])).rejects.toMatchObject({ code: 'video.frame-not-in-pack' });
  });

  it('names a sample that the index lacks', async () => {
    await expect(new FrameCache(folder, index).pack('z')).rejects.toMatchObject({
      code: 'training.no-frames',
    });
  });
});
