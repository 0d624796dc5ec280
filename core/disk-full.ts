import { TerminalError } from './errors.js';

/** What the operating system says of a full disk, a used-up quota and a file size limit. */
const codes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * A TerminalError `disk.full` for an error that a full disk caused, found along its chain of causes; null for any other.
 * Trying again would not help and would hide why nothing moves: somebody has to make room.
 */
export function diskFull(error: unknown): TerminalError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, path } = cause as NodeJS.ErrnoException;
    if (code === undefined || !codes.has(code)) continue;
    return new TerminalError('disk.full', `no space is left on the disk: ${cause.message}`, {
      cause: error,
      fields: { path: path ?? null },
      fix: 'make room on that disk (`hindsight doctor` says how much is free), then `hindsight resume RUN`',
    });
  }
  return null;
}
