import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '../core/errors.js';
import { badBatchFile } from '../training/finite.js';
import type { TrainerJob } from '../training/job.js';
import type { StageContext } from './stage.js';

/**
 * Keeps what led to numbers that are not finite: the work folder goes, the run's folder in the store stays. Gives back the
 * error to end with, which says where it lies; the same error when there is nothing to keep or it cannot be stored.
 */
export async function keepBadBatch(
  context: StageContext,
  { kind, workDir }: Pick<TrainerJob, 'kind' | 'workDir'>,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof TerminalError)) return error;
  const bytes = await readFile(join(workDir, badBatchFile)).catch(() => null);
  if (bytes === null) return error;
  const { request, services, key, attempt } = context;
  const name = `bad-batches/${kind}-${key.slice(0, 12)}-${attempt}.json`;
  try {
    const address = await services.store.runs.file(request.runId, name, bytes, 'application/json');
    context.log(`the batch that led to it: ${address}`);
    return new TerminalError(error.code, error.message, {
      fields: { ...error.fields, badBatch: address },
      fix: `${error.fix ?? 'look at what led to it'}: ${address}`,
      cause: error.cause,
    });
  } catch (failure) {
    context.log(
      `the batch that led to it could not be stored: ${failure instanceof Error ? failure.message : 'unknown'}`,
    );
    return error;
  }
}
