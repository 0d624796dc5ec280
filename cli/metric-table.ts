import { EvaluationResult } from '../evaluation/result.js';
import type { MetricTable, MetricValue } from './run-api.js';

/** The metrics of an evaluation as the command line shows them: checkpoints, then baselines. */
export function metricTable(evaluation: string): MetricTable {
  const result = EvaluationResult.parse(JSON.parse(evaluation));
  const pick = (metrics: EvaluationResult['checkpoints'][number]['metrics']): Record<string, MetricValue> =>
    Object.fromEntries(
      Object.entries(metrics).map(([name, { value, low, high }]) => [name, { value, low, high }]),
    );
  return Object.fromEntries([
    ...result.checkpoints.map((row) => [row.checkpoint, pick(row.metrics)] as const),
    ...result.baselines.map((row) => [`baseline: ${row.baseline}`, pick(row.metrics)] as const),
  ]);
}
