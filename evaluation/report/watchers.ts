import type { Sample } from '../../datasets/sample.js';
import { short } from './words.js';
import { tenth, type LogTable } from './training-log.js';

/** A limit that a curve should stay within. */
export interface Limit {
  readonly value: number;
  readonly side: 'above' | 'below';
}

/** Watches one column of the GRPO log for a known way to go wrong; judged on the last tenth of the steps. */
export interface Watcher {
  /** Name in the log. */
  readonly column: string;
  /** What it means when the limit is crossed. */
  readonly meaning: string;
  /** Null when there is nothing to compare with. */
  readonly limits: (values: readonly (number | null)[]) => readonly Limit[];
}

/** A limit that was crossed. */
export interface Alarm {
  readonly column: string;
  readonly text: string;
}

const fixed =
  (...limits: readonly Limit[]) =>
  () =>
    limits;

/**
 * The watchers of a GRPO run. `samples` gives the true span width that predicted ones are held against; the limits are
 * rules of thumb, chosen so that the runs behind the tiny-policy recipe stay inside and its known failures do not.
 */
export function watchers(samples: readonly Sample[]): Watcher[] {
  const widths = samples.flatMap(({ spans }) =>
    spans.length === 0 ? [] : [spans.reduce((sum, [start, end]) => sum + end - start, 0)],
  );
  const trueWidth = widths.length === 0 ? null : widths.reduce((a, b) => a + b, 0) / widths.length;
  return [
    {
      column: 'predictedAbnormal',
      meaning: 'it says the same of nearly every video',
      limits: fixed({ value: 0.9, side: 'above' }, { value: 0.1, side: 'below' }),
    },
    {
      column: 'spanWidth',
      meaning: 'predicted spans are more than 1.3 times as wide as true ones: verification may be gamed',
      limits: () => (trueWidth === null ? [] : [{ value: Math.min(1, 1.3 * trueWidth), side: 'above' }]),
    },
    {
      column: 'firstAccuracy',
      meaning:
        'the first answer got worse by more than five points: it may be spoiled on purpose to be corrected',
      limits: (values) => {
        const start = tenth(values, 'first');
        return start === null ? [] : [{ value: Math.max(0, start - 0.05), side: 'below' }];
      },
    },
    {
      column: 'flatGroups',
      meaning: 'most groups have no spread in their rewards and teach nothing',
      limits: fixed({ value: 0.8, side: 'above' }),
    },
    {
      column: 'truncated',
      meaning: 'many completions hit the token limit',
      limits: fixed({ value: 0.1, side: 'above' }),
    },
    {
      column: 'kl',
      meaning: 'the policy has moved far from its reference',
      limits: fixed({ value: 0.5, side: 'above' }),
    },
    {
      column: 'entropy',
      meaning: 'sampling has lost nearly all its variety',
      limits: (values) => {
        const start = tenth(values, 'first');
        return start === null ? [] : [{ value: start / 10, side: 'below' }];
      },
    },
  ];
}

/** Limits that the end of a training stage crosses. */
export function alarms(table: LogTable, list: readonly Watcher[]): Alarm[] {
  return list.flatMap(({ column, meaning, limits }) => {
    const values = table.columns.get(column);
    const end = values === undefined ? null : tenth(values, 'last');
    if (values === undefined || end === null) return [];
    return limits(values)
      .filter(({ value, side }) => (side === 'above' ? end > value : end < value))
      .map(({ value, side }) => ({ column, text: `${short(end)}, ${side} ${short(value)}: ${meaning}` }));
  });
}
