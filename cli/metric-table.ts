import { EvaluationResult } from '../evaluation/result.js';
import type { MetricTable } from './run-api.js';

/** The metrics of an evaluation as `--json` prints them: checkpoints, then baselines. */
export function metricTable(evaluation: string): MetricTable {
  const result = EvaluationResult.parse(JSON.parse(evaluation));
  return Object.fromEntries([
    ...result.checkpoints.map((row) => [row.checkpoint, row.metrics] as const),
    ...result.baselines.map((row) => [`baseline: ${row.baseline}`, row.metrics] as const),
  ]);
}
