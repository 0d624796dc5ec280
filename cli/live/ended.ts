import {
  TerminatedFailure,
  TimeoutFailure,
  WorkflowFailedError,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import type { RunRecord } from '../../artifacts/runs.js';
import type { TemporalView } from './temporal-view.js';

/**
 * The record of a run whose workflow is gone without writing a last one, as it would have read. A workflow writes its
 * record; one that was ended from outside could not any more.
 */
export async function endedRecord(
  view: TemporalView,
  record: RunRecord,
  execution: WorkflowExecutionDescription | null,
): Promise<RunRecord> {
  const cancelled = execution?.status.name === 'CANCELLED';
  const status = cancelled ? 'cancelled' : 'failed';
  const problem = cancelled ? null : await reasonOf(view, execution);
  return {
    ...record,
    status,
    problem,
    stages: record.stages.map((row) =>
      row.status === 'running' || row.status === 'awaiting' ? { ...row, status } : row,
    ),
  };
}

async function reasonOf(view: TemporalView, execution: WorkflowExecutionDescription | null): Promise<string> {
  if (execution === null) return 'Temporal does not know its workflow any more';
  const error = await view.failureOf(execution.workflowId, execution.runId);
  const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
  if (cause instanceof TimeoutFailure) return 'its workflow timed out';
  if (cause instanceof TerminatedFailure) {
    // Without a reason the client puts a phrase of its own.
    const said = cause.message === 'Workflow execution terminated' ? '' : `: ${cause.message}`;
    return `its workflow was terminated from outside${said}`;
  }
  return `its workflow ended without a word in the store${cause === undefined ? '' : `: ${cause.message}`}`;
}
