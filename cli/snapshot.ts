import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { LiveRun } from './live/look-at-run.js';
import { metricTable } from './metric-table.js';
import type { RunListEntry, RunSnapshot, StageSnapshot } from './run-api.js';

/** A run as `show` prints it: its record, what its workflows and activities say, and its results where there are some. */
export async function snapshotOf(
  store: ArtifactStore,
  { record, progress, problems }: LiveRun,
): Promise<RunSnapshot> {
  const evaluation = record.stages.find((stage) => stage.name === 'evaluate' && stage.variant === null)
    ?.outputs['evaluation'];
  const report = record.stages.find((stage) => stage.name === 'report')?.outputs['report'];
  return {
    runId: record.runId,
    status: record.status,
    reason: record.problem,
    report:
      report === undefined ? null : store.objects.address(`blobs/sha256/${report.slice(0, 2)}/${report}`),
    metrics: evaluation === undefined ? {} : metricTable(await store.blobs.getText(evaluation)),
    stages: record.stages.map((stage): StageSnapshot => ({
      ...stage,
      progress: stage.status === 'running' ? (progress.get(stage.name) ?? null) : null,
    })),
    problems,
  };
}

/** A run as `list` prints it. */
export function listEntryOf({ record, problems }: LiveRun): RunListEntry {
  const { runId, name, status, problem, startedAt } = record;
  return { runId, name, status, reason: problem, startedAt, problems };
}
