import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import { diskFull } from '../core/disk-full.js';
import { HindsightError } from '../core/errors.js';
import type { Json } from '../core/canonical-json.js';

/** A failure that is not one of ours may be a passing one; this many attempts, then it counts as terminal. */
const attemptsForUnknownErrors = 4;

/**
 * What Temporal is told: our two kinds of error keep their meaning, and work that was stopped from outside ends as a
 * cancellation, which the server retries elsewhere after a worker shutdown.
 */
export async function toFailure(thrown: unknown, activity: Context, stage: string): Promise<Error> {
  if (activity.cancellationSignal.aborted) {
    try {
      await activity.cancelled;
    } catch (cancelled) {
      if (cancelled instanceof Error) return cancelled;
    }
  }
  const error = diskFull(thrown) ?? thrown;
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof HindsightError) {
    // Temporal keeps about 4 kB of a message; the log in the store has all of it.
    return ApplicationFailure.create({
      message: `${stage}: ${error.message}`.slice(0, 3000),
      type: error.code,
      nonRetryable: !error.retryable,
      details: [{ fix: error.fix ?? null, fields: error.fields as Json }],
    });
  }
  return ApplicationFailure.create({
    message: `${stage}: ${error instanceof Error ? error.message : String(error)}`.slice(0, 3000),
    type: 'unexpected',
    nonRetryable: activity.info.attempt >= attemptsForUnknownErrors,
  });
}
