import type { RunRecord } from '../../artifacts/runs.js';
import type { TemporalView } from './temporal-view.js';

/**
 * The record of a run as its workflow has it: a parked run whose store is full could not write down that it waits. The
 * store's where the workflow does not answer.
 */
export async function currentRecord(view: TemporalView, stored: RunRecord): Promise<RunRecord> {
  if (stored.status !== 'running') return stored;
  const live = await view.record(stored.runId);
  return live?.status === 'awaiting' ? live : stored;
}
