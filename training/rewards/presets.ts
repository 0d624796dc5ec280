import type { GrpoConfig } from '../../config/training.js';
import { accuracy } from './accuracy.js';
import { format } from './format.js';
import { length } from './length.js';
import { reflection } from './reflection.js';
import type { Reward } from './reward.js';
import { tiou } from './tiou.js';
import { verification } from './verification.js';

export type RewardName = keyof GrpoConfig['weights'];

/** Every reward that a preset may pay. */
export const rewardNames = [
  'accuracy',
  'format',
  'verification',
  'length',
  'reflection',
  'tiou',
] as const satisfies readonly RewardName[];

/** A reward with the factor it enters the sum with. */
export interface WeightedReward {
  readonly name: RewardName;
  readonly weight: number;
  readonly reward: Reward;
}

/** What a preset pays. */
export interface RewardPlan {
  /** Whether cut videos must be answered. */
  readonly verifies: boolean;
  readonly rewards: readonly WeightedReward[];
}

/**
 * The rewards of a preset (DESIGN, the learning contract). `vad-r1`: accuracy, format, verification, length.
 * `srvau-r1`: SRPO's task term (half format, half FIRST answer) and reflection term, tIoU where labels hold spans.
 * `combined`: the same plus verification of the final answer. A config weight multiplies; 0 leaves the reward out.
 */
export function rewardPlan(params: GrpoConfig): RewardPlan {
  const { preset, weights } = params;
  const rewards: WeightedReward[] = [];
  const add = (name: RewardName, reward: Reward, scale = 1): void => {
    if (weights[name] > 0) rewards.push({ name, weight: weights[name] * scale, reward });
  };
  const reflective = preset !== 'vad-r1';
  add('accuracy', accuracy(reflective ? 'first' : 'final'), reflective ? 0.5 : 1);
  add('format', format, reflective ? 0.5 : 1);
  if (reflective) {
    add('reflection', reflection({ alpha: params.reflectionAlpha, mode: params.verification.mode }));
    if (params.labels === 'spans') add('tiou', tiou);
  } else {
    add('length', length(params.length));
  }
  if (preset !== 'srvau-r1') add('verification', verification);
  return {
    verifies: rewards.some((r) => r.name === 'verification'),
    rewards,
  };
}
