import { CommanderError } from 'commander';
import type { RunStatus } from '../artifacts/runs.js';
import { HindsightError, InputError } from '../core/errors.js';

/** Exit codes of the command line; documented in README and stable. */
export const exitCodes = { done: 0, failed: 1, usage: 2, awaiting: 3, cancelled: 4 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** How a verb that followed a run ends; a run that goes on without it is no failure. */
export function exitCodeOfStatus(status: RunStatus): ExitCode {
  switch (status) {
    case 'running':
    case 'done':
      return exitCodes.done;
    case 'failed':
      return exitCodes.failed;
    case 'awaiting':
      return exitCodes.awaiting;
    case 'cancelled':
      return exitCodes.cancelled;
  }
}

/** Codes of errors that lie in what was asked for, not in the doing. */
const usage =
  /^(config|cli)\.|^run\.(unknown|exists|no-checkpoint)$|^stack\.(unknown-kind|remote-incomplete|keys-missing)$|^payload\.keys-malformed$|^worker\.unknown/;

export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof InputError) return exitCodes.usage;
  if (error instanceof HindsightError && usage.test(error.code)) return exitCodes.usage;
  return exitCodes.failed;
}
