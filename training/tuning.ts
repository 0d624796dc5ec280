import type { Variable } from '@tensorflow/tfjs';
import type { RandomKey } from '../core/random.js';
import type { Policy } from '../policy/policy.js';

/** What of a policy is trained, and how. A policy with an adapter trains that alone. */
export interface Tuning {
  /** Leaves the vision tower as it is. */
  readonly freezeVision: boolean;
  /** Recomputes layer by layer instead of keeping activations. */
  readonly recompute: boolean;
  /** What the draws of LoRA dropout derive from. */
  readonly dropoutKey: RandomKey;
}

/** Every parameter is trained, nothing is recomputed. */
export const fullTuning: Tuning = { freezeVision: false, recompute: false, dropoutKey: [0, 0] };

/** The parameters that are trained and those that are only read, by name, in the network's order. */
export function partition(
  policy: Policy,
  { freezeVision }: Tuning,
): { trained: Map<string, Variable>; frozen: Map<string, Variable> } {
  const { adapter } = policy;
  const trained = new Map<string, Variable>();
  const frozen = new Map<string, Variable>();
  for (const [name, variable] of [...policy.variables, ...(adapter?.variables ?? [])]) {
    const isTrained =
      (adapter === null || adapter.variables.has(name)) && !(freezeVision && name.startsWith('visual.'));
    (isTrained ? trained : frozen).set(name, variable);
  }
  return { trained, frozen };
}
