import type { RunRecord } from '../artifacts/runs.js';

/** The run's own row of a stage, not a variant's. */
export function ownRow(stages: RunRecord['stages'], name: string): RunRecord['stages'][number] | undefined {
  return stages.find((stage) => stage.name === name && stage.variant === null);
}
