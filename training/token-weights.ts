/** How per-token losses become one number (TRL's names). */
export type Aggregation = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';

/**
 * The factor of every token's loss, so that the loss is their weighted sum, for all four aggregations:
 * `grpo` the mean over rows of each row's token mean; `bnpo` the mean over the batch's tokens; `dr_grpo` the sum over
 * rows x the longest completion allowed; `dapo` the mean over the active tokens of the whole generation batch.
 * Every denominator is at least 1, so a fully masked row adds nothing instead of 0/0.
 *
 * @param mask [rows x columns], 1 where a token counts
 * @param rows of the update's batch, padding rows excluded: these are what `grpo` and `dr_grpo` divide by
 * @param activeTokens of the whole generation batch, for `dapo`
 */
export function tokenWeights(
  mask: Float32Array,
  columns: number,
  options: {
    readonly aggregation: Aggregation;
    readonly rows: number;
    readonly maxCompletion: number;
    readonly activeTokens: number;
  },
): Float32Array {
  const weights = new Float32Array(mask.length);
  const { aggregation, rows, maxCompletion, activeTokens } = options;
  const sum = (from: number, to: number): number => {
    let total = 0;
    for (let i = from; i < to; i++) total += mask[i]!;
    return total;
  };
  const shared =
    aggregation === 'bnpo'
      ? Math.max(sum(0, mask.length), 1)
      : aggregation === 'dr_grpo'
        ? Math.max(rows * maxCompletion, 1)
        : Math.max(activeTokens, 1);
  for (let start = 0; start < mask.length; start += columns) {
    const divisor =
      aggregation === 'grpo' ? Math.max(sum(start, start + columns), 1) * Math.max(rows, 1) : shared;
    for (let i = start; i < start + columns; i++) weights[i] = mask[i]! / divisor;
  }
  return weights;
}
