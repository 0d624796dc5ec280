import type { LoraTuning, ModelConfig } from '../config/model.js';
import { deriveKey } from '../core/random.js';
import type { Tuning } from './tuning.js';

/** How a policy is trained: what of it, and at what price in memory. */
export interface ModelTuning {
  /** The adapter that is trained instead of the weights; null trains the weights themselves. */
  readonly lora: Omit<LoraTuning, 'kind'> | null;
  /** Nothing of the vision tower is trained. */
  readonly freezeVision: boolean;
  /** Layers are recomputed for their gradient. */
  readonly recompute: boolean;
}

/** What a run's model section says about training. A model from scratch is trained whole, and small. */
export function tuningOf(model: ModelConfig): ModelTuning {
  if (model.kind === 'scratch') return { lora: null, freezeVision: false, recompute: false };
  const { tuning, freezeVision, recompute } = model;
  if (tuning.kind === 'full') return { lora: null, freezeVision, recompute };
  const { rank, alpha, dropout, targets } = tuning;
  return { lora: { rank, alpha, dropout, targets }, freezeVision, recompute };
}

/** The same for a trainer, once the adapter is on the policy. */
export function trainerTuning(job: {
  readonly kind: string;
  readonly seed: number;
  readonly tuning: ModelTuning;
}): Tuning {
  const { freezeVision, recompute } = job.tuning;
  return { freezeVision, recompute, dropoutKey: deriveKey(job.seed, job.kind, 'dropout') };
}
