import type { FfmpegCommand } from 'fluent-ffmpeg';
import type { Decoded } from './decoded.js';
import { VideoReject } from './reject.js';
import { passEveryFrame } from './frame-rate-mode.js';
import { ffmpegCommand, fileUrl, runFfmpeg, type RunOptions } from './run-ffmpeg.js';

const DEFAULT_TIMEOUT_MS = 30 * 60_000;

/**
 * A command whose first output throws every frame of the video away, so that `frame=` of its progress counts what was
 * decoded. One decoder thread: the workers run several videos at once.
 */
export async function decodeEveryFrame(path: string): Promise<FfmpegCommand> {
  const everyFrame = await passEveryFrame();
  return ffmpegCommand()
    .input(fileUrl(path))
    .inputOptions(
      ...['-nostdin', '-hide_banner', '-v', 'level+error', '-nostats', '-progress', 'pipe:1'],
      ...['-protocol_whitelist', 'file', '-threads', '1', '-filter_threads', '1'],
      // Without this, a change of the picture size rebuilds the filters, and `select` counts from zero again.
      ...['-reinit_filter', '0'],
    )
    .output('-')
    .outputOptions('-map', '0:V:0', ...everyFrame, '-f', 'null');
}

/** The null muxer complains about equal time stamps of variable frame rates; that is no fault of the video. */
const harmless = /non monotonically increasing dts to muxer/;

function seconds(outTime: string): number {
  const match = /^(\d+):(\d+):([\d.]+)$/.exec(outTime);
  return match === null ? 0 : Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
}

/**
 * Runs such a command and tells what was decoded. Throws a {@link VideoReject} `timeout`, or `undecodable` when ffmpeg
 * itself gives up. The default time limit is half an hour.
 */
export async function runDecoder(command: FfmpegCommand, options: RunOptions = {}): Promise<Decoded> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const { outcome, stdout, stderr } = await runFfmpeg(command, { ...options, timeoutMs });
  if (outcome === 'timeout') {
    throw new VideoReject('timeout', `the video was not decoded within ${timeoutMs / 1000} s`);
  }
  if (outcome === 'failed') {
    throw new VideoReject('undecodable', 'ffmpeg cannot decode the video', {
      fields: { ffmpeg: stderr.slice(-500) },
    });
  }
  const last = (key: string): string =>
    [...stdout.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].at(-1)?.[1] ?? '';
  return {
    frames: Number(last('frame')),
    seconds: seconds(last('out_time')),
    errors: stderr.split('\n').some((line) => /\[(error|fatal)\]/.test(line) && !harmless.test(line)),
  };
}
