import { setTimeout as sleep } from 'node:timers/promises';
import { HindsightError, RetryableError } from '../../core/errors.js';
import { storeAddress, type Endpoints } from '../../stack/endpoints.js';

/** A store that takes longer is as good as away. */
const storePatienceMs = 10_000;
const fixes = {
  embedded:
    '`hindsight doctor` shows which server is down; `hindsight down` and `hindsight up` start them afresh',
  remote: 'check bucket, region, credentials and network; `hindsight doctor` tries it',
};

/**
 * What the store answers.
 * @throws RetryableError `store.unreachable` that says what to do, after ten seconds at the latest
 */
export async function fromStore<T>(
  { kind, store }: Pick<Endpoints, 'kind' | 'store'>,
  answer: Promise<T>,
): Promise<T> {
  const settled = new AbortController();
  const fix = fixes[kind];
  const late = sleep(storePatienceMs, undefined, { signal: settled.signal }).then(() => {
    throw new RetryableError(
      'store.unreachable',
      `the store did not answer within ${storePatienceMs / 1000} s: ${storeAddress(store)}`,
      { fix },
    );
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (!(error instanceof HindsightError) || error.code !== 'store.unreachable' || error.fix !== undefined)
      throw error;
    throw new RetryableError(error.code, `the store does not answer: ${storeAddress(store)}`, {
      cause: error,
      fix,
      fields: error.fields,
    });
  } finally {
    settled.abort();
  }
}
