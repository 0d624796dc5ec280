import { TerminalError, type ErrorOptions } from '../core/errors.js';

/** Why a video cannot be used; stable, and counted in reports. */
export const rejectReasons = [
  /** Nothing at that path. */
  'missing-file',
  /** A folder, a pipe, or a file without read permission. */
  'unreadable-file',
  /** Zero bytes. */
  'empty-file',
  /** Another kind of file: text, HTML, a Git LFS pointer, an image, or bytes that no demuxer knows. */
  'not-a-video',
  /** Sound or subtitles only, or nothing but a cover picture. */
  'no-video-stream',
  /** The file ends before its content does. */
  'truncated',
  /** Fewer frames than asked for. */
  'too-short',
  /** The codec is unknown here, or no frame at all can be decoded. */
  'undecodable',
  /** Frames in the middle are broken: many of those promised are lost. */
  'damaged',
  /** ffprobe or ffmpeg did not finish in time. */
  'timeout',
] as const;
export type RejectReason = (typeof rejectReasons)[number];

/**
 * A video that cannot be used, with a stable reason and one sentence that a person understands. Never retried: the file
 * itself is at fault. Code `video.<reason>`.
 */
export class VideoReject extends TerminalError {
  constructor(
    readonly reason: RejectReason,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(`video.${reason}`, message, options);
  }
}
