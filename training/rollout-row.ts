import { mean, sampleDeviation } from './advantages.js';
import { isRight } from './rewards/reward.js';
import type { RewardPlan } from './rewards/presets.js';
import type { Group, Rollout } from './rollout.js';

/**
 * What is watched per generation: rewards with mean and standard deviation (abstentions left out), flat groups, lengths,
 * truncation, and the signs of reward hacking: share predicted Abnormal, span width, first-answer accuracy.
 */
export function rolloutRow(groups: readonly Group[], plan: RewardPlan): Record<string, number> {
  const all = groups.flatMap(({ sample, rollouts }) => rollouts.map((rollout) => ({ sample, rollout })));
  const rollouts = all.map(({ rollout }) => rollout);
  const lengths = rollouts.map(({ ids }) => ids.length);
  const totals = rollouts.map(({ total }) => total).filter((total): total is number => total !== null);
  const share = (holds: (rollout: Rollout) => boolean): number =>
    mean(rollouts.map((r) => (holds(r) ? 1 : 0)));
  const widths = rollouts.flatMap(({ scored: { final } }) =>
    final.span === null ? [] : [final.span[1] - final.span[0]],
  );
  const row: Record<string, number> = {
    reward: mean(totals),
    rewardStd: sampleDeviation(totals),
    groupStd: mean(groups.map((group) => group.std)),
    flatGroups: mean(groups.map((group) => (group.flat ? 1 : 0))),
  };
  for (const { name } of plan.rewards) {
    const paid = rollouts.map((r) => r.rewards[name] ?? null).filter((x): x is number => x !== null);
    row[`${name}Reward`] = mean(paid);
    row[`${name}RewardStd`] = sampleDeviation(paid);
    row[`${name}Paid`] = paid.length / Math.max(rollouts.length, 1);
  }
  return {
    ...row,
    completionMean: mean(lengths),
    completionMin: Math.min(...lengths),
    completionMax: Math.max(...lengths),
    truncated: share((r) => r.finish === 'length'),
    formatValid: share((r) => r.scored.formatValid),
    unread: share((r) => r.scored.final.verdict === null),
    firstAccuracy: mean(
      all.map(({ sample, rollout }) => (isRight(rollout.scored.first, sample.label) ? 1 : 0)),
    ),
    finalAccuracy: mean(
      all.map(({ sample, rollout }) => (isRight(rollout.scored.final, sample.label) ? 1 : 0)),
    ),
    predictedAbnormal: share((r) => r.scored.final.verdict === 'Abnormal'),
    spanWidth: mean(widths),
    tokens: lengths.reduce((a, b) => a + b, 0),
  };
}
