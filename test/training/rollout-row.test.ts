import { describe, expect, it } from 'vitest';
import { GrpoConfig } from '../../config/training.js';
import type { Label, Sample } from '../../datasets/sample.js';
import { rewardPlan } from '../../training/rewards/presets.js';
import type { PassAnswer } from '../../training/rewards/reward.js';
import { rolloutRow } from '../../training/rollout-row.js';
import type { Group, Rollout } from '../../training/rollout.js';
import { givenPatches } from '../../training/video-patches.js';

const plan = rewardPlan(GrpoConfig.parse({ preset: 'vad-r1' }));

function rollout(change: {
  rewards: Rollout['rewards'];
  total: number | null;
  final?: PassAnswer;
  first?: PassAnswer;
  finish?: 'stop' | 'length';
  tokens?: number;
}): Rollout {
  const final = change.final ?? { verdict: 'Normal', span: null };
  const ids = Array.from({ length: change.tokens ?? 4 }, () => 9);
  return {
    ids,
    logProbs: ids.map(() => -1),
    finish: change.finish ?? 'stop',
    text: '',
    scored: {
      formatValid: true,
      first: change.first ?? final,
      final,
      words: 3,
      tokens: ids.length,
      firstTokens: [],
      reflectionTokens: null,
    },
    cut: { kind: 'abstain' },
    rewards: change.rewards,
    total: change.total,
    advantage: 0,
  };
}

const group = (label: Label, rollouts: Rollout[], of: Partial<Group> = {}): Group => ({
  sample: { label } as Sample,
  video: givenPatches({ t: 1, h: 2, w: 2 }, new Float32Array(0)),
  prompt: [],
  rollouts,
  meanReward: 0,
  std: 0,
  flat: false,
  ...of,
});

describe('what is logged of a generation', () => {
  it('leaves abstentions out of the mean and the deviation of a reward, and says how many were paid', () => {
    const rows = [0.5, null, 0, null].map((verification) =>
      rollout({ rewards: { verification, accuracy: 1 }, total: 1 + (verification ?? 0) }),
    );
    const row = rolloutRow([group('Abnormal', rows)], plan);
    expect(row.verificationReward).toBe(0.25);
    expect(row.verificationRewardStd).toBeCloseTo(Math.sqrt(0.125), 12);
    expect(row.verificationPaid).toBe(0.5);
    expect([row.accuracyReward, row.accuracyPaid]).toEqual([1, 1]);
  });

  it('has a mean of 0 and a share of 0 where all abstained, and leaves rewardless completions out of the total', () => {
    const rows = [
      rollout({ rewards: { verification: null }, total: null }),
      rollout({ rewards: { verification: null }, total: 2 }),
    ];
    const row = rolloutRow([group('Normal', rows)], plan);
    expect([row.verificationReward, row.verificationRewardStd, row.verificationPaid]).toEqual([0, 0, 0]);
    expect(row.reward).toBe(2);
  });

  it('shows the signs of reward hacking: predicted Abnormal, span width, first-answer accuracy, truncation', () => {
    const wide: PassAnswer = { verdict: 'Abnormal', span: [0, 1] };
    const narrow: PassAnswer = { verdict: 'Abnormal', span: [0.25, 0.5] };
    const calm: PassAnswer = { verdict: 'Normal', span: null };
    const unread: PassAnswer = { verdict: null, span: null };
    const rows = [
      rollout({ rewards: {}, total: 0, final: wide, first: calm, tokens: 9, finish: 'length' }),
      rollout({ rewards: {}, total: 0, final: narrow }),
      rollout({ rewards: {}, total: 0, final: calm, tokens: 2 }),
      rollout({ rewards: {}, total: 0, final: unread }),
    ];
    const groups = [
      group('Abnormal', rows, { flat: true, std: 0.25 }),
      group('Normal', [rows[2]!], { std: 0.75 }),
    ];
    const row = rolloutRow(groups, plan);
    expect(row.predictedAbnormal).toBeCloseTo(2 / 5, 12);
    expect(row.spanWidth).toBeCloseTo(0.625, 12);
    expect(row.firstAccuracy).toBeCloseTo(2 / 5, 12);
    expect(row.finalAccuracy).toBeCloseTo(3 / 5, 12);
    expect(row.unread).toBeCloseTo(1 / 5, 12);
    expect(row.truncated).toBeCloseTo(1 / 5, 12);
    expect([row.flatGroups, row.groupStd]).toEqual([0.5, 0.5]);
    expect([row.completionMin, row.completionMax, row.tokens]).toEqual([2, 9, 21]);
  });
});
