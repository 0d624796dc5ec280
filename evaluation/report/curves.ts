import { short } from '../../core/short-number.js';
import type { Finding } from '../../training/watchers/watch.js';
import type { Watcher } from '../../training/watchers/watcher.js';
import type { ChartMark, LineChart } from './chart/line-chart.js';
import { thinned, type LogTable } from './training-log.js';
import { endsOutside, findingsOf } from './watched-table.js';
import { percent } from './words.js';

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
  { title: 'Unread verdicts', lines: [line('unread', 'share')], domain: share },
  { title: 'Truncated', lines: [line('truncated', 'share')], domain: share },
  { title: 'Groups without spread', lines: [line('flatGroups', 'share')], domain: share },
  { title: 'Gradient norm', lines: [line('gradNorm', 'before clipping')] },
];

/** The curves of one phase: known ones, and those nobody made a place for. */
export interface PhaseCurves {
  readonly main: readonly LineChart[];
  readonly rest: readonly LineChart[];
  /** Limits that were crossed, in words; those that the phase ends beyond come first. */
  readonly warnings: readonly string[];
}

/** Lays out the curves of one phase. */
export function phaseCurves(table: LogTable, watchers: readonly Watcher[]): PhaseCurves {
  const findings = findingsOf(table, watchers);
  const drawn = thinned(table);
  const titles = new Map<string, string>();
  const chart = ({ title, lines, domain }: CurveSpec): LineChart[] => {
    const series = lines.flatMap((each) => {
      const values = drawn.columns.get(each.column);
      return values === undefined ? [] : [{ ...each, values }];
    });
    if (series.length === 0) return [];
    for (const { column } of series) titles.set(column, title);
    const own = findings.filter(({ watcher }) => series.some(({ column }) => column === watcher.column));
    return [
      {
        title,
        x: drawn.steps,
        series,
        domain: domain ?? null,
        marks: own.flatMap(marks),
        warning: chartWarning(own),
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
  const crossed = findings.filter(({ crossings }) => crossings.length > 0);
  const ordered = [...crossed.filter(endsOutside), ...crossed.filter((finding) => !endsOutside(finding))];
  return { main, rest, warnings: ordered.map((finding) => inWords(finding)) };
}

/** The limits that hold at the end. A curve that has not been judged yet has none. */
function marks({ last }: Finding): ChartMark[] {
  return (last?.limits ?? []).map(({ value, side }) => ({
    value,
    label: `${side === 'above' ? 'at most' : 'at least'} ${short(value)}`,
    side,
  }));
}

function chartWarning(findings: readonly Finding[]): string | null {
  if (findings.some(endsOutside)) return 'outside its limit';
  const most = Math.max(0, ...findings.map(({ shareOutside }) => shareOutside));
  return most === 0 ? null : `was outside its limit in ${percent(most, 0)} of the steps`;
}

/** `Mean span width ends at 0.59, above 0.52: ...; beyond its limit in 40% of the steps, first at step 12.` */
function inWords({ watcher, last, shareOutside, crossings }: Finding): string {
  const name = watcher.name[0]!.toUpperCase() + watcher.name.slice(1);
  const often = `beyond its limit in ${percent(shareOutside, 0)} of the steps, first at step ${crossings[0]!.step}`;
  const limit = last?.crossed[0];
  if (last === null || limit === undefined) return `${name} was ${often}, and came back.`;
  return `${name} ends at ${short(last.value)}, ${limit.side} ${short(limit.value)}: ${limit.meaning}; ${often}.`;
}
