import { VideoReject } from './reject.js';

/** What one pass through the decoder found. */
export interface Decoded {
  readonly frames: number;
  /** Where the last frame ends, from the file's first time stamp. */
  readonly seconds: number;
  /** Whether demuxer or decoder complained. */
  readonly errors: boolean;
}

/** What was promised before: by the header, or by an earlier pass. */
export interface Promised {
  readonly frames: number | null;
  readonly durationSeconds: number | null;
}

/** A video may lose this share of its frames, or this many, without being called broken. */
const TOLERATED_SHARE = 0.05;
const TOLERATED_FRAMES = 2;

/**
 * Compares decoded frames with promised ones; null if the video is whole. ffmpeg exits with 0 on a file whose second half
 * is missing, so this is the only test of integrity there is.
 *
 * Fewer frames than promised are not always a loss. An AVI index counts each tick of its clock, also those for which
 * nothing is stored because the picture did not change (a Cinepak file: 444 ticks, 68 pictures), and variable frame
 * rates have similar gaps. In such a file the pictures still reach the promised end and nothing complains; in one
 * that is cut off they end early; in one that is damaged in the middle they reach the end with complaints.
 *
 * Where only a length is promised (Matroska, FLV), ending early counts as cut off only with a complaint: the length may
 * be that of the sound, or the last picture may have been shown for long.
 */
export function judgeDecoded(promised: Promised, decoded: Decoded): VideoReject | null {
  if (decoded.frames === 0) {
    return new VideoReject('undecodable', 'not one frame can be decoded');
  }
  const seconds = promised.durationSeconds;
  const reachesEnd = seconds === null ? null : decoded.seconds >= (1 - TOLERATED_SHARE) * seconds;
  if (promised.frames !== null) {
    const lost = promised.frames - decoded.frames;
    if (lost <= TOLERATED_FRAMES || lost <= TOLERATED_SHARE * promised.frames) return null;
    if (reachesEnd === true) {
      if (!decoded.errors) return null;
      return new VideoReject(
        'damaged',
        `the header promises ${promised.frames} frames, only ${decoded.frames} can be decoded: the file is damaged`,
      );
    }
    return new VideoReject(
      'truncated',
      `the header promises ${promised.frames} frames, only ${decoded.frames} can be decoded: the file is cut off`,
    );
  }
  const shortBy = (seconds ?? 0) - decoded.seconds;
  const aFrame = decoded.seconds / decoded.frames;
  if (reachesEnd === false && decoded.errors && shortBy > TOLERATED_FRAMES * aFrame) {
    return new VideoReject(
      'truncated',
      `the header promises ${seconds!.toFixed(1)} s, only ${decoded.seconds.toFixed(1)} s can be decoded: the file is cut off`,
    );
  }
  return null;
}
