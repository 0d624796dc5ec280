import { HindsightError } from '../../core/errors.js';
import { connectionFailure } from '../../stack/connection-failure.js';
import type { Endpoints } from '../../stack/endpoints.js';
import type { RunProblem } from '../run-api.js';

/** Why the live part of a run could not be seen: what is shown then is what the store says. */
export async function awayProblem(
  endpoints: Pick<Endpoints, 'kind' | 'temporal'>,
  error: unknown,
): Promise<RunProblem> {
  const unreadable = error instanceof HindsightError;
  const { message, fix = null } = unreadable ? error : await connectionFailure(endpoints, error);
  return {
    kind: unreadable ? 'payload-unreadable' : 'temporal-unreachable',
    subject: endpoints.temporal.address,
    message: `${message}: what is shown is what the store says`,
    fix,
  };
}
