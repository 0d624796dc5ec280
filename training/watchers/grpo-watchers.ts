import type { Sample } from '../../datasets/sample.js';
import { mean } from '../advantages.js';
import { rewardNames, type RewardName } from '../rewards/presets.js';
import { gradientNorm } from './gradient-norm.js';
import { noise, pastStart, start, type Limit, type Watcher } from './watcher.js';

/** Mean predicted spans may be so many times as wide as true ones: above it, verification may be gamed. */
export const widestSpan = 1.3;

const fixed =
  (...limits: readonly Limit[]) =>
  () =>
    limits;

/**
 * The watchers of GRPO. The truth about the samples of split `rl` says how wide predicted spans should be and how many
 * videos are Abnormal; what it does not say is held against the run's own start. The limits are rules of thumb.
 */
export function grpoWatchers(samples: readonly Sample[]): Watcher[] {
  const trained = samples.filter(({ split }) => split === 'rl');
  return [
    predictedAbnormal(trained),
    spanWidth(trained),
    fallen('firstAccuracy', 'first-answer accuracy', {
      by: 0.05,
      meaning: 'the first answer got worse than at the start: it may be spoiled on purpose to be corrected',
    }),
    fallen('formatValid', 'share of valid format', {
      by: 0.1,
      meaning: 'fewer completions follow the tag grammar than at the start',
    }),
    {
      column: 'unread',
      name: 'share of unread verdicts',
      limits: fixed({
        value: 0.1,
        side: 'above',
        meaning: 'many completions name no verdict that can be read',
      }),
    },
    {
      column: 'flatGroups',
      name: 'share of groups without spread',
      limits: fixed({
        value: 0.8,
        side: 'above',
        meaning: 'most groups have no spread in their rewards and teach nothing',
      }),
    },
    {
      column: 'truncated',
      name: 'share truncated',
      limits: fixed({ value: 0.1, side: 'above', meaning: 'many completions hit the token limit' }),
    },
    {
      column: 'kl',
      name: 'KL to the reference',
      limits: fixed({ value: 0.5, side: 'above', meaning: 'the policy has moved far from its reference' }),
    },
    {
      column: 'entropy',
      name: 'entropy',
      from: pastStart,
      limits: (readings) => [
        { value: start(readings) / 10, side: 'below', meaning: 'sampling has lost nearly all its variety' },
      ],
    },
    gradientNorm,
    ...rewardNames.map(neverEarned),
  ];
}

/** Where nearly all videos are of one label, saying it of nearly all is right. */
function predictedAbnormal(samples: readonly Sample[]): Watcher {
  const truth = samples.length === 0 ? 0.5 : mean(samples.map(({ label }) => (label === 'Abnormal' ? 1 : 0)));
  const meaning = 'it says the same of nearly every video';
  return {
    column: 'predictedAbnormal',
    name: 'share predicted Abnormal',
    limits: fixed(
      { value: Math.max(0.9, (1 + truth) / 2), side: 'above', meaning },
      { value: Math.min(0.1, truth / 2), side: 'below', meaning },
    ),
  };
}

/** Verification pays for a segment without which the verdict changes: the wider, the easier. */
function spanWidth(samples: readonly Sample[]): Watcher {
  const widths = samples.flatMap(({ spans }) =>
    spans.length === 0 ? [] : [spans.reduce((sum, [from, to]) => sum + to - from, 0)],
  );
  const shared = {
    column: 'spanWidth',
    name: 'mean span width',
    // 0 is the mean of no span at all.
    reading: ({ spanWidth: width }) => (width === undefined || width === 0 ? null : width),
  } satisfies Partial<Watcher>;
  if (widths.length > 0) {
    const meaning = `predicted spans are more than ${widestSpan} times as wide as true ones: verification may be gamed`;
    return {
      ...shared,
      limits: fixed({ value: Math.min(1, widestSpan * mean(widths)), side: 'above', meaning }),
    };
  }
  const meaning = `predicted spans are more than ${widestSpan} times as wide as at the start: verification may be gamed`;
  return {
    ...shared,
    from: pastStart,
    limits: (readings) => {
      const begun = start(readings);
      return [
        { value: Math.min(1, Math.max(widestSpan * begun, begun + noise(readings))), side: 'above', meaning },
      ];
    },
  };
}

/** Below its start by more than `by`, and by more than noise explains: a step sees a few videos only. */
function fallen(
  column: string,
  name: string,
  { by, meaning }: { readonly by: number; readonly meaning: string },
): Watcher {
  return {
    column,
    name,
    from: pastStart,
    limits: (readings) => {
      const value = Math.max(0, start(readings) - Math.max(by, noise(readings)));
      return [{ value, side: 'below', meaning }];
    },
  };
}

/** A reward that is 0 for every completion it could be paid to. One that is always at its maximum is simply reached. */
function neverEarned(reward: RewardName): Watcher {
  const column = `${reward}Reward`;
  return {
    column,
    name: `${reward} reward`,
    reading: (row) => {
      const paid = row[`${reward}Paid`];
      const size = row[column];
      if (size === undefined || paid === 0) return null;
      return Math.max(Math.abs(size), row[`${column}Std`] ?? 0);
    },
    from: pastStart,
    limits: fixed({
      value: 0.001,
      side: 'below',
      meaning:
        'no completion earns it, so it teaches nothing: look at its settings, or leave it out with weight 0',
    }),
  };
}
