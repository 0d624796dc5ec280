import { points } from '../../evaluation/report/words.js';
import { share } from '../../evaluation/tables.js';
import { mean } from '../../training/advantages.js';
import { widestSpan } from '../../training/watchers/grpo-watchers.js';
import type { Difference } from '../../evaluation/result.js';
import { gainOf, metricOf, rowOf, type Place, type SeedResult } from './row.js';

/** Something that the recipe is held to, and whether it holds. */
export interface Claim {
  readonly claim: string;
  readonly asked: string;
  readonly found: string;
  readonly met: boolean;
}

const accuracy = 'all_videos.accuracy';
const miou = 'abnormal_only.miou';
const width = 'abnormal_only.span_width';
const sft: Place = { variant: null, checkpoint: 'sft' };
const guardedSft: Place = { variant: 'no-reflection', checkpoint: 'sft' };
export const guarded: Place = { variant: 'no-reflection', checkpoint: 'grpo' };
export const paper: Place = { variant: 'no-reflection-paper', checkpoint: 'grpo' };
const combined: Place = { variant: null, checkpoint: 'grpo' };

/** Every claim on what was learnt; those whose branches were not run are left out. */
export function claims(results: readonly SeedResult[]): Claim[] {
  return [...sftClaims(results), ...weakLabelClaims(results), ...reflectionClaims(results)];
}

function sftClaims(results: readonly SeedResult[]): Claim[] {
  return [
    atLeast(results, 'SFT: accuracy', sft, accuracy, 0.88),
    atLeast(results, 'SFT: valid format', sft, 'all_videos.format_valid', 0.98),
    {
      claim: 'SFT: mIoU',
      asked: 'above the best constant span with every seed',
      found: results
        .map((result) => `${share(groundingOf(result))} (constant ${share(result.constantSpanMiou)})`)
        .join(', '),
      met: results.every((result) => groundingOf(result) > result.constantSpanMiou),
    },
  ];
}

function groundingOf(result: SeedResult): number {
  return metricOf(result, sft, miou)?.value ?? 0;
}

function atLeast(
  results: readonly SeedResult[],
  claim: string,
  place: Place,
  metric: string,
  least: number,
): Claim {
  const values = results.map((result) => metricOf(result, place, metric)?.value ?? 0);
  return {
    claim,
    asked: `at least ${share(least)} with every seed`,
    found: values.map(share).join(', '),
    met: values.every((value) => value >= least),
  };
}

function weakLabelClaims(results: readonly SeedResult[]): Claim[] {
  const had = results.filter((result) => rowOf(result, guarded) !== null);
  if (had.length === 0) return [];
  const gains = had.map((result) => gainOf(result, guarded, guardedSft, accuracy)!);
  const grounding = had.map((result) => gainOf(result, guarded, guardedSft, miou)!);
  const widths = had.map(
    (result) => metricOf(result, guarded, width)!.value! / result.comparison.trueSpanWidth!,
  );
  const meanGrounding = mean(grounding.map(({ value }) => value!));
  const above = gains.filter(({ low }) => low! > 0).length;
  const needed = Math.ceil((2 * had.length) / 3);
  return [
    {
      claim: 'GRPO from weak labels, guarded: accuracy',
      asked: `gain above zero in ${needed} of ${had.length} seeds, none below -1 point`,
      found: gains.map(differenceText).join('; '),
      met: above >= needed && gains.every(({ value }) => value! >= -0.01),
    },
    {
      claim: 'GRPO from weak labels, guarded: mIoU',
      asked: 'not lower than the start: the mean of the seeds at least 0, none clearly below',
      found: `${grounding.map(differenceText).join('; ')}; mean ${points(meanGrounding)}`,
      met: meanGrounding >= 0 && grounding.every(({ high }) => high! >= 0),
    },
    {
      claim: 'GRPO from weak labels, guarded: mean span',
      asked: `at most ${widestSpan} times the true mean`,
      found: widths.map((ratio) => ratio.toFixed(2)).join(', '),
      met: widths.every((ratio) => ratio <= widestSpan),
    },
  ];
}

function reflectionClaims(results: readonly SeedResult[]): Claim[] {
  const had = results.filter((result) => rowOf(result, combined)?.transitions != null);
  if (had.length === 0) return [];
  const rows = had.map((result) => rowOf(result, combined)!);
  const gains = rows.map(({ metrics }) => metrics['all_videos.reflection_gain']!);
  const moves = rows.map(({ transitions }) => transitions!);
  const first = had.map((result) => {
    const before = metricOf(result, sft, accuracy)!;
    const after = metricOf(result, combined, 'all_videos.first_accuracy')!.value!;
    return { after, low: before.low!, value: before.value! };
  });
  return [
    {
      claim: 'Reflection, after GRPO: final answer against the first',
      asked: 'at least as accurate with every seed',
      found: gains.map(differenceText).join('; '),
      met: gains.every(({ value }) => value! >= 0),
    },
    {
      claim: 'Reflection, after GRPO: wrong to right against right to wrong',
      // Few first answers are left to mend: with one seed, the last bits of a sum decide which of the two is ahead.
      asked: 'more, over all seeds',
      found: moves.map(({ wrongToRight, rightToWrong }) => `${wrongToRight} : ${rightToWrong}`).join(', '),
      met: mean(moves.map(({ wrongToRight, rightToWrong }) => wrongToRight - rightToWrong)) > 0,
    },
    {
      claim: 'Reflection, after GRPO: first answer against that of SFT',
      asked: 'not below the interval of SFT',
      found: first
        .map(({ after, value, low }) => `${share(after)} (SFT ${share(value)}, from ${share(low)})`)
        .join(', '),
      met: first.every(({ after, low }) => after >= low),
    },
  ];
}

/** `+1.8 [+0.2, +3.4]`, in points. */
export function differenceText({ value, low, high }: Pick<Difference, 'value' | 'low' | 'high'>): string {
  if (value === null || low === null || high === null) return 'undefined';
  return `${points(value)} [${points(low)}, ${points(high)}]`;
}
