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

// ffmpeg catches most signals and then ends with 255.
const interrupted = /killed with signal|exited with code 255/;
const machineAtFault = /No space left on device|Cannot allocate memory/;

/**
 * A new ffmpeg command, without input or output yet. Filters are strings; options go in one by one, since an option with
 * a blank in it must not be split.
 */
export function ffmpegCommand(): FfmpegCommand {
  return survivingSpawn(ffmpeg({ stdoutLines: KEPT_LINES }).setFfmpegPath(ffmpegPath()));
}

/** What fluent-ffmpeg calls when a process has ended, with its last lines of output. */
type EndCallback = (error: Error | null, stdout?: { get(): string }, stderr?: { get(): string }) => void;
interface Spawning {
  _spawnFfmpeg(args: string[], options: object, started: unknown, ended?: EndCallback): void;
}

/**
 * When a process cannot be started (no ffmpeg, or the machine is out of processes), fluent-ffmpeg 2.1.3 reads the output
 * that there is not, and the exception ends the whole worker. This gives it an empty one. The package is archived and
 * pinned, so its insides stay as they are.
 */
function survivingSpawn(command: FfmpegCommand): FfmpegCommand {
  const inner = command as unknown as Spawning;
  const spawn = inner._spawnFfmpeg.bind(command);
  const nothing = { get: () => '' };
  // Its questions about formats and codecs pass no `ended`, and take errors as they come.
  inner._spawnFfmpeg = (args, options, started, ended) =>
    spawn(
      args,
      options,
      started,
      ended && ((error, stdout = nothing, stderr = nothing) => ended(error, stdout, stderr)),
    );
  return command;
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
 * a {@link RetryableError} when somebody else killed it or the machine is out of something: that says nothing about the
 * video.
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
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES') {
      throw new TerminalError('video.no-ffmpeg', `there is no ffmpeg at ${ffmpegPath()}`, {
        fix: 'npm run setup, or set HINDSIGHT_FFMPEG to its path',
        cause: error,
      });
    }
    // An errno belongs to starting the process; ffmpeg's own failures have none.
    if (code !== undefined || interrupted.test(error.message) || machineAtFault.test(stderr)) {
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
