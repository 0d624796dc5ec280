import type { LineChart } from './chart/line-chart.js';
import { thinned, type LogTable } from './training-log.js';
import { alarms, type Watcher } from './watchers.js';
import { short } from './words.js';

/** A chart of one or more columns of a log. */
interface CurveSpec {
  readonly title: string;
  readonly lines: readonly { readonly column: string; readonly label: string; readonly tone: string }[];
  readonly domain?: readonly [number, number];
}

const line = (column: string, label: string, tone = 'c2') => ({ column, label, tone });
const share = [0, 1] as const;

/** The charts worth drawing large, in order; one without data is left out. Each reward follows the sum of rewards. */
const specs: readonly CurveSpec[] = [
  { title: 'Loss', lines: [line('loss', 'training'), line('validationLoss', 'validation', 'truth')] },
  {
    title: 'Token accuracy',
    lines: [line('tokenAccuracy', 'training'), line('validationTokenAccuracy', 'validation', 'truth')],
  },
  { title: 'Perception word accuracy', lines: [line('patchAccuracy', 'share right')] },
  { title: 'Reward', lines: [line('reward', 'mean')] },
  {
    title: 'Accuracy of sampled answers',
    lines: [line('finalAccuracy', 'final'), line('firstAccuracy', 'first', 'c0')],
    domain: share,
  },
  { title: 'Share predicted Abnormal', lines: [line('predictedAbnormal', 'share')], domain: share },
  { title: 'Mean span width', lines: [line('spanWidth', 'part of the video')], domain: share },
  { title: 'KL to the reference', lines: [line('kl', 'nats a token')] },
  { title: 'Entropy', lines: [line('entropy', 'nats a token')] },
  {
    title: 'Completion length, tokens',
    lines: [
      line('completionMean', 'mean'),
      line('completionMin', 'shortest', 'c0'),
      line('completionMax', 'longest', 'truth'),
    ],
  },
  { title: 'Valid format', lines: [line('formatValid', 'share')], domain: share },
  { title: 'Truncated', lines: [line('truncated', 'share')], domain: share },
  { title: 'Groups without spread', lines: [line('flatGroups', 'share')], domain: share },
  { title: 'Gradient norm', lines: [line('gradNorm', 'before clipping')] },
];

/** The curves of one phase: known ones, and those nobody made a place for. */
export interface PhaseCurves {
  readonly main: readonly LineChart[];
  readonly rest: readonly LineChart[];
  /** Limits crossed at the end, in words. */
  readonly warnings: readonly string[];
}

/** Lays out the curves of one phase. */
export function phaseCurves(table: LogTable, watched: readonly Watcher[]): PhaseCurves {
  const crossed = alarms(table, watched);
  const drawn = thinned(table);
  const titles = new Map<string, string>();
  const chart = ({ title, lines, domain }: CurveSpec): LineChart[] => {
    const series = lines.flatMap((each) => {
      const values = drawn.columns.get(each.column);
      return values === undefined ? [] : [{ ...each, values }];
    });
    if (series.length === 0) return [];
    for (const { column } of series) titles.set(column, title);
    const own = (column: string) => series.some((each) => each.column === column);
    return [
      {
        title,
        x: drawn.steps,
        series,
        domain: domain ?? null,
        marks: watched
          .filter(({ column }) => own(column))
          .flatMap(({ column, limits }) => limits(table.columns.get(column)!))
          .map(({ value, side }) => ({
            value,
            label: `${side === 'above' ? 'at most' : 'at least'} ${short(value)}`,
            side,
          })),
        warning: crossed.some(({ column }) => own(column)) ? 'outside its limit' : null,
      },
    ];
  };
  const rewards = [...drawn.columns.keys()].flatMap((column) => {
    const name = /^([a-z]+)Reward$/i.exec(column)?.[1];
    return name === undefined ? [] : [{ title: `Reward: ${name}`, lines: [line(column, 'mean where paid')] }];
  });
  const main = specs.flatMap((spec) =>
    spec.title === 'Reward' ? [spec, ...rewards].flatMap(chart) : chart(spec),
  );
  const rest = [...drawn.columns.keys()]
    .filter((column) => !titles.has(column))
    .flatMap((column) => chart({ title: column, lines: [line(column, 'mean')] }));
  return {
    main,
    rest,
    warnings: crossed.map(({ column, text }) => `${titles.get(column) ?? column} ends at ${text}.`),
  };
}
