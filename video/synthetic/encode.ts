import { Readable } from 'node:stream';
import { TerminalError } from '../../core/errors.js';
import { ffmpegCommand, runFfmpeg, type RunOptions } from '../run-ffmpeg.js';
import { CLIP_FPS, CLIP_FRAMES, VIDEO_HEIGHT, VIDEO_WIDTH } from './world.js';

/** Name of clip k of a batch, in the folder that {@link encodeClips} was given. */
export function clipFile(k: number): string {
  return `${String(k).padStart(5, '0')}.mp4`;
}

/**
 * Encodes clips to H.264, one file each, `00000.mp4` and on in `folder`. One ffmpeg process for all of them, since
 * starting one takes longer than encoding a clip. `clips` yields the RGB frames of one clip after the other and is read
 * as fast as ffmpeg takes them.
 *
 * A clip's bytes depend on nothing but its frames and whether its place is odd or even: constant quantiser, no
 * look-ahead, one thread, an IDR frame at each beginning, and no time or version in the metadata.
 */
export async function encodeClips(
  clips: () => Generator<Uint8Array>,
  count: number,
  folder: string,
  options: RunOptions = {},
): Promise<void> {
  const frames = Readable.from(clips(), { objectMode: false });
  const boundaries = Array.from({ length: Math.max(1, count - 1) }, (_, k) => (k + 1) * CLIP_FRAMES);
  const command = ffmpegCommand()
    .input(frames)
    .inputOptions(
      ...['-hide_banner', '-v', 'error', '-nostats', '-f', 'rawvideo', '-pixel_format', 'rgb24'],
      ...['-video_size', `${VIDEO_WIDTH}x${VIDEO_HEIGHT}`, '-framerate', String(CLIP_FPS)],
    )
    .output(`file:${folder.replaceAll('%', '%%')}/%05d.mp4`)
    .outputOptions(
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '20', '-pix_fmt', 'yuv420p', '-threads', '1'],
      ...['-g', String(CLIP_FRAMES), '-keyint_min', String(CLIP_FRAMES), '-sc_threshold', '0', '-bf', '0'],
      ...['-map_metadata', '-1', '-flags', '+bitexact', '-fflags', '+bitexact'],
      ...['-f', 'segment', '-segment_format', 'mp4', '-reset_timestamps', '1'],
      ...['-segment_frames', boundaries.join(',')],
    );
  try {
    const { outcome, stderr } = await runFfmpeg(command, options);
    if (outcome !== 'ended') {
      throw new TerminalError(
        'video.encode-failed',
        `ffmpeg could not encode the clips: ${stderr.slice(-500)}`,
        {
          fix: 'ffmpeg with libx264 is needed to render synthetic scenes: npm run setup',
        },
      );
    }
  } finally {
    frames.destroy();
  }
}
