import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.js';
import { TerminalError } from '../core/errors.js';

/** Frames at the teacher's size; `pixels` is [indices.length, height, width, 3]. */
export interface TeacherFrames {
  readonly width: number;
  readonly height: number;
  /** Frame indices of the video, ascending. */
  readonly indices: readonly number[];
  readonly pixels: Uint8Array;
}

/** The frames of one video that the pipeline needs, decoded and scaled once: RGB bytes, frame after frame. */
export interface FramePack {
  /** Size of the policy's frames. */
  readonly width: number;
  readonly height: number;
  /** Frames and average rate of the whole video. */
  readonly frameCount: number;
  readonly fps: number;
  /** Which frames of the video are here: ascending, each once. */
  readonly frames: readonly { readonly index: number }[];
  /** [frames.length, height, width, 3] */
  readonly pixels: Uint8Array;
  readonly teacher: TeacherFrames | null;
}

const size = { width: z.int().min(1), height: z.int().min(1) };
const indices = z.array(z.int().min(0));
const Header = z.strictObject({
  format: z.literal('frame-pack/1'),
  ...size,
  frameCount: z.int().min(1),
  fps: z.number().positive(),
  frames: indices,
  teacher: z.strictObject({ ...size, indices }).nullable(),
});

function expectBytes(what: string, pixels: Uint8Array, count: number, width: number, height: number): void {
  const bytes = count * width * height * 3;
  if (pixels.length !== bytes) {
    throw new TerminalError(
      'video.frame-pack-size',
      `${count} ${what} frames of ${width} x ${height} take ${bytes} bytes, not ${pixels.length}`,
    );
  }
}

/**
 * One blob for one video: four bytes with the length of the header (little endian), the header as canonical JSON, and
 * the deflated pixels of policy and teacher frames. Equal packs give equal bytes.
 */
export function encodeFramePack(pack: FramePack): Uint8Array {
  const { width, height, frameCount, fps, teacher } = pack;
  expectBytes('policy', pack.pixels, pack.frames.length, width, height);
  if (teacher !== null) {
    expectBytes('teacher', teacher.pixels, teacher.indices.length, teacher.width, teacher.height);
  }
  const header = Buffer.from(
    canonicalJson({
      format: 'frame-pack/1',
      width,
      height,
      frameCount,
      fps,
      frames: pack.frames.map((f) => f.index),
      teacher:
        teacher === null ? null : { width: teacher.width, height: teacher.height, indices: teacher.indices },
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const pixels = teacher === null ? pack.pixels : Buffer.concat([pack.pixels, teacher.pixels]);
  return Buffer.concat([length, header, deflateSync(pixels, { level: 1 })]);
}

/** Reads what {@link encodeFramePack} wrote; throws a {@link TerminalError} on anything else. */
export function decodeFramePack(bytes: Uint8Array): FramePack {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: z.infer<typeof Header>;
  let pixels: Uint8Array;
  try {
    const end = 4 + all.readUInt32LE(0);
    header = Header.parse(JSON.parse(all.toString('utf8', 4, end)));
    pixels = inflateSync(all.subarray(end));
  } catch (cause) {
    throw new TerminalError('video.not-a-frame-pack', 'these bytes are not a frame pack', { cause });
  }
  const { width, height, frameCount, fps, frames } = header;
  const policyBytes = frames.length * width * height * 3;
  const teacher =
    header.teacher === null ? null : { ...header.teacher, pixels: pixels.subarray(policyBytes) };
  if (teacher !== null) {
    expectBytes('teacher', teacher.pixels, teacher.indices.length, teacher.width, teacher.height);
    pixels = pixels.subarray(0, policyBytes);
  }
  expectBytes('policy', pixels, frames.length, width, height);
  return { width, height, frameCount, fps, frames: frames.map((index) => ({ index })), pixels, teacher };
}

/**
 * The pixels of these frames of the video, in the order asked for and as often: [indices.length, height, width, 3].
 * Throws a {@link TerminalError} naming a frame that the pack does not hold.
 */
export function packFrames(pack: FramePack, indices: readonly number[]): Uint8Array {
  const frameBytes = pack.width * pack.height * 3;
  const places = new Map(pack.frames.map((frame, place) => [frame.index, place]));
  const out = new Uint8Array(indices.length * frameBytes);
  for (const [k, index] of indices.entries()) {
    const place = places.get(index);
    if (place === undefined) {
      throw new TerminalError(
        'video.frame-not-in-pack',
        `frame ${index} is not among the ${pack.frames.length} frames of this pack (the video has ${pack.frameCount})`,
      );
    }
    out.set(pack.pixels.subarray(place * frameBytes, (place + 1) * frameBytes), k * frameBytes);
  }
  return out;
}
