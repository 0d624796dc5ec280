import { HindsightError } from '../../core/errors.js';
import { connectionFailure } from '../../stack/connection-failure.js';
import type { Endpoints } from '../../stack/endpoints.js';
import type { RunProblem } from '../run-api.js';

/**
 * Says why the live part of a run could not be seen: what is shown then is what the store says. For one look at any number
 * of runs, so why Temporal is away is examined once; payloads that cannot be read may be those of one run.
 */
export function awayProblems(
  endpoints: Pick<Endpoints, 'kind' | 'temporal'>,
): (error: unknown) => Promise<RunProblem> {
  let examined: Promise<HindsightError> | undefined;
  return async (error) => {
    const unreadable = error instanceof HindsightError;
    const { message, fix = null } = unreadable
      ? error
      : await (examined ??= connectionFailure(endpoints, error));
    return {
      kind: unreadable ? 'payload-unreadable' : 'temporal-unreachable',
      subject: endpoints.temporal.address,
      message: `${message}: what is shown is what the store says`,
      fix,
    };
  };
}
