import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FfmpegCommand } from 'fluent-ffmpeg';
import { TerminalError } from '../core/errors.js';
import { partialName } from '../core/partial-name.js';
import { judgeDecoded, type Decoded } from './decoded.js';
import { decodeEveryFrame, runDecoder } from './decoder.js';
import { readHead } from './file-kind.js';
import { passEveryFrame } from './frame-rate-mode.js';
import type { FramePack } from './frame-pack.js';
import type { MeasuredVideo } from './measure.js';
import type { RunOptions } from './run-ffmpeg.js';
import { smartResize } from './smart-resize.js';

/** What the extraction must know about a video; a sample record holds it too. */
export type VideoFacts = Pick<MeasuredVideo, 'frames' | 'fps' | 'width' | 'height' | 'durationSeconds'>;

/** Frame indices to take, from one video of a given length. */
export interface FrameChoice {
  /** What the policy sees, and the pool for verification: both at the policy's size. */
  readonly policy: readonly number[];
  readonly pool: readonly number[] | null;
  /** What the caption teacher sees. */
  readonly teacher: readonly number[] | null;
}

/** Policy frames of a fixed size, or smart-resized to multiples of 28 within a pixel budget. */
export type PolicySize = { readonly width: number; readonly height: number } | { readonly maxPixels: number };

export interface FrameRequest {
  readonly policy: PolicySize;
  /** Called with the number of frames; a second time if the header was wrong about it. */
  readonly choose: (frameCount: number) => FrameChoice;
  /** Width of teacher frames, aspect kept; a smaller video is not enlarged. */
  readonly teacherWidth: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Multiples of 28 pixels: 14 to a patch, two patches merged into one. */
const PATCH_FACTOR = 28;

function policySize(video: Size, policy: PolicySize): Size {
  if ('width' in policy) return policy;
  return smartResize(video.height, video.width, {
    factor: PATCH_FACTOR,
    minPixels: PATCH_FACTOR * PATCH_FACTOR,
    maxPixels: policy.maxPixels,
  });
}

function teacherSize(video: Size, teacherWidth: number): Size {
  const width = Math.min(teacherWidth, video.width);
  return { width, height: Math.max(1, Math.round((width * video.height) / video.width)) };
}

/** Ascending, each once. */
function distinct(...lists: readonly (readonly number[] | null)[]): number[] {
  return [...new Set(lists.flatMap((list) => list ?? []))].sort((a, b) => a - b);
}

interface RawFrames extends Size {
  readonly indices: readonly number[];
  readonly file: string;
}

/**
 * Adds an output that writes the chosen frames as raw RGB. The scaler's flags make equal bytes on every processor.
 */
async function addRawOutput(command: FfmpegCommand, { indices, file, ...size }: RawFrames): Promise<void> {
  const everyFrame = await passEveryFrame();
  command
    .output(`file:${file}`)
    .videoFilters([
      `select='${indices.map((index) => `eq(n,${index})`).join('+')}'`,
      `scale=${size.width}:${size.height}:flags=bicubic+accurate_rnd+full_chroma_int+bitexact`,
      'format=rgb24',
    ])
    .outputOptions('-map', '0:V:0', ...everyFrame, '-pix_fmt', 'rgb24', '-f', 'rawvideo');
}

/** One pass of the decoder over the whole video, writing the asked frames to files. */
async function decodeOnce(
  path: string,
  outputs: readonly RawFrames[],
  options: RunOptions,
): Promise<Decoded> {
  const command = await decodeEveryFrame(path);
  for (const output of outputs) await addRawOutput(command, output);
  return runDecoder(command, options);
}

async function readRaw({ indices, width, height, file }: RawFrames): Promise<Uint8Array> {
  const pixels = await readFile(file);
  if (pixels.length !== indices.length * width * height * 3) {
    throw new TerminalError(
      'video.frames-missing',
      `asked for ${indices.length} frames of ${width} x ${height}, got ${pixels.length} bytes`,
    );
  }
  return pixels;
}

/**
 * Decodes a video once and keeps the chosen frames, scaled to the policy's and to the teacher's size. Frames are counted
 * as the decoder shows them: none is repeated for a gap in the time stamps, rotation is applied. The count is compared
 * with `video.frames`; if fewer came but the video is whole (see {@link judgeDecoded}), frames are chosen again from the
 * real count, in a second pass. Throws a `VideoReject` (`missing-file`, `truncated`, `damaged`,
 * `undecodable`, `timeout`).
 */
export async function extractFrames(
  path: string,
  video: VideoFacts,
  request: FrameRequest,
  options: RunOptions = {},
): Promise<FramePack> {
  await readHead(path);
  const folder = partialName(join(tmpdir(), 'hindsight-frames'));
  await mkdir(folder, { mode: 0o700 });
  try {
    const pass = async (frameCount: number) => {
      const choice = request.choose(frameCount);
      const policy: RawFrames = {
        ...policySize(video, request.policy),
        indices: distinct(choice.policy, choice.pool),
        file: join(folder, 'policy.rgb'),
      };
      const teacher: RawFrames | null =
        choice.teacher === null
          ? null
          : {
              ...teacherSize(video, request.teacherWidth),
              indices: distinct(choice.teacher),
              file: join(folder, 'teacher.rgb'),
            };
      const decoded = await decodeOnce(path, teacher === null ? [policy] : [policy, teacher], options);
      return { policy, teacher, decoded };
    };

    let found = await pass(video.frames);
    const reject = judgeDecoded(video, found.decoded);
    if (reject !== null) throw reject;
    const frameCount = found.decoded.frames;
    if (frameCount !== video.frames) found = await pass(frameCount);

    const { policy, teacher, decoded } = found;
    const fps =
      frameCount === video.frames ? video.fps : frameCount / (decoded.seconds || video.durationSeconds);
    return {
      width: policy.width,
      height: policy.height,
      frameCount,
      fps,
      frames: policy.indices.map((index) => ({ index })),
      pixels: await readRaw(policy),
      teacher:
        teacher === null
          ? null
          : {
              width: teacher.width,
              height: teacher.height,
              indices: teacher.indices,
              pixels: await readRaw(teacher),
            },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
