import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ffmpegPath } from '../../video/tools.js';

/** A folder for this test file's videos, removed at its end. */
export async function videoFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hindsight-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs ffmpeg; fails the test with its message. */
export async function ffmpeg(args: readonly string[], input?: Uint8Array): Promise<void> {
  await execa(
    ffmpegPath(),
    ['-v', 'error', '-y', ...args],
    input === undefined ? { stdin: 'ignore' } : { input },
  );
}

const BITS = 10;

/** Frame n of a counter video, RGB: ten vertical bars, white where n has a one, from the highest bit. */
function counterFrame(n: number, width: number, height: number): Uint8Array {
  const frame = new Uint8Array(width * height * 3);
  for (let p = 0; p < width * height; p++) {
    const bar = Math.floor(((p % width) * BITS) / width);
    frame.fill(((n >> (BITS - 1 - bar)) & 1) === 1 ? 230 : 20, p * 3, p * 3 + 3);
  }
  return frame;
}

/** Reads the number that a frame of a counter video shows, whatever its size. */
export function readCounter(pixels: Uint8Array, width: number, height: number): number {
  let n = 0;
  for (let bar = 0; bar < BITS; bar++) {
    const x = Math.floor(((bar + 0.5) * width) / BITS);
    const y = Math.floor(height / 2);
    n = n * 2 + (pixels[(y * width + x) * 3 + 1]! > 125 ? 1 : 0);
  }
  return n;
}

/** The numbers of [count, height, width, 3] pixels. */
export function readCounters(pixels: Uint8Array, width: number, height: number): number[] {
  const bytes = width * height * 3;
  return Array.from({ length: pixels.length / bytes }, (_, k) =>
    readCounter(pixels.subarray(k * bytes, (k + 1) * bytes), width, height),
  );
}

export interface CounterVideo {
  readonly frames: number;
  /** Number of the first frame. */
  readonly first?: number;
  readonly fps?: number;
  readonly width?: number;
  readonly height?: number;
  /** Output options: codec, filters, muxer. Default: H.264 with B-frames. */
  readonly options?: readonly string[];
}

/** A video whose frame n shows n. */
export async function counterVideo(path: string, video: CounterVideo): Promise<string> {
  const { frames, first = 0, fps = 10, width = 160, height = 96 } = video;
  const options = video.options ?? [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-g',
    '12',
    '-pix_fmt',
    'yuv420p',
  ];
  const raw = Buffer.concat(Array.from({ length: frames }, (_, n) => counterFrame(first + n, width, height)));
  await ffmpeg(
    [
      ...['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', `${width}x${height}`],
      ...['-framerate', String(fps), '-i', 'pipe:0', ...options, path],
    ],
    raw,
  );
  return path;
}
