import type { Comparison, ComparedCheckpoint } from '../../evaluation/compare.js';
import type { Difference, Estimate } from '../../evaluation/result.js';

/** One seed's run with its variants. */
export interface SeedResult {
  readonly seed: number;
  readonly runId: string;
  readonly comparison: Comparison;
  /** Grounding mIoU of the best span that answers every video alike, found by looking at the truth. */
  readonly constantSpanMiou: number;
}

/** A checkpoint of a branch: of a variant, or of the run itself (null). */
export interface Place {
  readonly variant: string | null;
  readonly checkpoint: string;
}

/** The row of a checkpoint; null where the branch was not run. */
export function rowOf({ comparison }: SeedResult, place: Place): ComparedCheckpoint | null {
  const { variant, checkpoint } = place;
  return (
    comparison.checkpoints.find((row) => row.variant === variant && row.checkpoint === checkpoint) ?? null
  );
}

/** A metric of a checkpoint; null where it is not defined or the branch was not run. */
export function metricOf(result: SeedResult, place: Place, metric: string): Estimate | null {
  return rowOf(result, place)?.metrics[metric] ?? null;
}

/** The paired difference of a checkpoint to another one that it was held against. */
export function gainOf(result: SeedResult, place: Place, from: Place, metric: string): Difference | null {
  const gain = rowOf(result, place)?.gains.find(
    ({ variant, checkpoint }) => variant === from.variant && checkpoint === from.checkpoint,
  );
  return gain?.metrics[metric] ?? null;
}
