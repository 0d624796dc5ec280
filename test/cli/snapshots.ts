import type { StageRow } from '../../artifacts/runs.js';
import type { RunSnapshot, StageSnapshot } from '../../cli/run-api.js';

/** A row of a run's table as the store has it: of a stage that waits, but for what is given. */
export function row(name: string, given: Partial<StageRow> = {}): StageRow {
  return {
    variant: null,
    name,
    status: 'waiting',
    outcome: null,
    key: null,
    manifest: null,
    outputs: {},
    seconds: null,
    attempts: 0,
    reason: null,
    ...given,
  };
}

/** A stage that waits, but for what is given. */
export function stage(name: string, given: Partial<StageSnapshot> = {}): StageSnapshot {
  return { ...row(name), progress: null, ...given };
}

/** A running run with these stages, but for what is given. */
export function run(stages: readonly StageSnapshot[], given: Partial<RunSnapshot> = {}): RunSnapshot {
  return {
    runId: 'demo-20260301-101500-3f2a',
    status: 'running',
    reason: null,
    report: null,
    metrics: {},
    stages,
    problems: [],
    ...given,
  };
}
