import { setTimeout as sleep } from 'node:timers/promises';
import { HindsightError, RetryableError } from '../../core/errors.js';
import type { RunApi, RunProblem } from '../run-api.js';

/** A store that takes longer is as good as away. */
const storePatienceMs = 10_000;

/** What to do about a server that does not answer. */
function fixOf(kind: 'embedded' | 'remote', remote: string): string {
  return kind === 'embedded'
    ? '`hindsight doctor` shows which server is down; `hindsight down` and `hindsight up` start them afresh'
    : `check ${remote}; \`hindsight doctor\` tries it`;
}

/** What a look at a run says when Temporal does not answer. */
export function temporalAway(endpoints: RunApi['endpoints'], error: unknown): RunProblem {
  return {
    kind: 'temporal-unreachable',
    subject: endpoints.temporal,
    message: `Temporal does not answer at ${endpoints.temporal} (${reasonOf(error)}): what is shown is what the store says`,
    fix: fixOf(endpoints.kind, 'address, namespace, key and certificates'),
  };
}

/** The same as an error, for verbs that need Temporal. */
export function temporalUnreachable(endpoints: RunApi['endpoints'], cause: unknown): RetryableError {
  return new RetryableError(
    'temporal.unreachable',
    `Temporal does not answer at ${endpoints.temporal} (${reasonOf(cause)})`,
    { cause, fix: fixOf(endpoints.kind, 'address, namespace, key and certificates') },
  );
}

/**
 * What the store answers.
 * @throws RetryableError `store.unreachable` that says what to do, after ten seconds at the latest
 */
export async function fromStore<T>(endpoints: RunApi['endpoints'], answer: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const fix = fixOf(endpoints.kind, 'bucket, region, credentials and network');
  const late = sleep(storePatienceMs, undefined, { signal: settled.signal }).then(() => {
    throw new RetryableError(
      'store.unreachable',
      `the store did not answer within ${storePatienceMs / 1000} s: ${endpoints.store}`,
      { fix },
    );
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (!(error instanceof HindsightError) || error.code !== 'store.unreachable' || error.fix !== undefined)
      throw error;
    throw new RetryableError(error.code, `the store does not answer: ${endpoints.store}`, {
      cause: error,
      fix,
      fields: error.fields,
    });
  } finally {
    settled.abort();
  }
}

/** The details of a gRPC error, which the client may have wrapped. */
function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('details' in at && typeof at.details === 'string' && at.details !== '')
      return at.details.split('\n')[0]!.slice(0, 200);
  }
  return error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'unknown';
}
