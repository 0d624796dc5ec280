/** Groups whose total rewards spread less than this teach nothing and are counted as flat. */
export const flatStandardDeviation = 0.05;

/** Mean of the numbers; 0 of none. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}

/** Sample standard deviation (divided by n - 1); 0 of fewer than two. */
export function sampleDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1));
}

/**
 * Total reward of each completion: the weighted sum of the rewards that did not abstain; null where all of them did.
 * @param components one entry per reward, each with one value (or null: abstained) per completion.
 */
export function totalRewards(
  components: readonly { readonly weight: number; readonly values: readonly (number | null)[] }[],
  completions: number,
): (number | null)[] {
  return Array.from({ length: completions }, (_, i) => {
    let total: number | null = null;
    for (const { weight, values } of components) {
      const value = values[i] ?? null;
      if (value !== null && weight !== 0) total = (total ?? 0) + weight * value;
    }
    return total;
  });
}

/**
 * Advantages of one group: A_i = (r_i - mean) / (std + 1e-4), or r_i - mean with `none` (Dr. GRPO). Completions without
 * any reward (null) get 0 and stay out of the statistics.
 */
export function groupAdvantages(
  totals: readonly (number | null)[],
  scale: 'group' | 'none',
): { readonly advantages: number[]; readonly mean: number; readonly std: number; readonly flat: boolean } {
  const known = totals.filter((r): r is number => r !== null);
  const centre = mean(known);
  const std = sampleDeviation(known);
  const divisor = scale === 'group' ? std + 1e-4 : 1;
  return {
    advantages: totals.map((r) => (r === null ? 0 : (r - centre) / divisor)),
    mean: centre,
    std,
    flat: std < flatStandardDeviation,
  };
}
