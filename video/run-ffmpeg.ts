import { resolve } from 'node:path';
import ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';
import { RetryableError, TerminalError } from '../core/errors.js';
import { ffmpegPath } from './tools.js';

export interface RunOptions {
  /** The process is killed after this many milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Kills the process; the run rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface FfmpegResult {
  /** `failed`: a non-zero exit. Zero proves nothing: ffmpeg ends well on files that are cut off. */
  readonly outcome: 'ended' | 'failed' | 'timeout';
  readonly stdout: string;
  /** The last lines of stderr. */
  readonly stderr: string;
}

const KEPT_LINES = 100;

/**
 * A new ffmpeg command, without input or output yet. Filters are strings; options go in one by one, since an option with
 * a blank in it must not be split.
 */
export function ffmpegCommand(): FfmpegCommand {
  return ffmpeg({ stdoutLines: KEPT_LINES }).setFfmpegPath(ffmpegPath());
}

/**
 * How ffmpeg names a local file: absolute and under the file protocol, so that a name that looks like an option or an
 * address stays a name.
 */
export function fileUrl(path: string): string {
  return `file:${resolve(path)}`;
}

/**
 * Runs a command to its end. Throws the reason of an aborted signal, a {@link TerminalError} when there is no ffmpeg, and
 * a {@link RetryableError} when somebody else killed it or the disk is full: those say nothing about the video.
 */
export async function runFfmpeg(command: FfmpegCommand, options: RunOptions = {}): Promise<FfmpegResult> {
  const { timeoutMs, signal } = options;
  signal?.throwIfAborted();
  let started = false;
  let stopped: 'timeout' | 'aborted' | null = null;
  // Before the process exists there is nothing to kill: `start` looks again.
  const stop = (why: 'timeout' | 'aborted'): void => {
    stopped ??= why;
    if (started) command.kill('SIGKILL');
  };
  const onAbort = (): void => stop('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), timeoutMs);
  try {
    const result = await new Promise<{ error: Error | null; stdout: string; stderr: string }>((resolve) => {
      command
        .on('start', () => {
          started = true;
          if (stopped !== null) command.kill('SIGKILL');
        })
        .on('end', (stdout: string | null, stderr: string | null) =>
          resolve({ error: null, stdout: stdout ?? '', stderr: stderr ?? '' }),
        )
        .on('error', (error: Error, stdout: string | null | undefined, stderr: string | null | undefined) =>
          resolve({ error, stdout: stdout ?? '', stderr: stderr ?? '' }),
        )
        .run();
    });
    // The process is gone now, so nobody writes any more to what the caller is about to delete.
    if (stopped === 'aborted') signal?.throwIfAborted();
    const { error, stdout, stderr } = result;
    if (stopped === 'timeout') return { outcome: 'timeout', stdout, stderr };
    if (error === null) return { outcome: 'ended', stdout, stderr };
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new TerminalError('video.no-ffmpeg', `there is no ffmpeg at ${ffmpegPath()}`, {
        fix: 'npm run setup, or set HINDSIGHT_FFMPEG to its path',
        cause: error,
      });
    }
    if (/killed with signal/.test(error.message) || /No space left on device/.test(stderr)) {
      throw new RetryableError('video.ffmpeg-interrupted', `ffmpeg was interrupted: ${error.message}`, {
        cause: error,
      });
    }
    return { outcome: 'failed', stdout, stderr };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
