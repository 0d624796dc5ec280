import { mean, sampleDeviation } from '../../training/advantages.js';
import { points } from '../../evaluation/report/words.js';
import { alignedMarkdown, cellText, share } from '../../evaluation/tables.js';
import { differenceText, guarded, paper } from './claims.js';
import { gainOf, metricOf, rowOf, type Place, type SeedResult } from './row.js';

/** A table as rows of cells, the first row its head. */
export interface TextTable {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
}

const accuracy = 'all_videos.accuracy';
const miou = 'abnormal_only.miou';
const width = 'abnormal_only.span_width';
const own = (checkpoint: string): Place => ({ variant: null, checkpoint });
const of = (variant: string, checkpoint = 'grpo'): Place => ({ variant, checkpoint });

/** Everything that was learnt, seed by seed. */
export function learningTables(results: readonly SeedResult[]): TextTable[] {
  return [
    checkpoints(results),
    weakLabels(results),
    annotatedSpans(results),
    reflection(results),
    ablations(results),
  ];
}

function checkpoints(results: readonly SeedResult[]): TextTable {
  const places: readonly Place[] = [
    own('sft'),
    own('reflection-sft'),
    own('grpo'),
    guarded,
    paper,
    of('tiou'),
  ];
  return {
    title: 'Checkpoints',
    rows: [
      ['seed', 'checkpoint', 'accuracy', 'mIoU (abnormal)', 'mean span (true)', 'valid format'],
      ...results.flatMap((result) =>
        places.flatMap((place) => {
          const row = rowOf(result, place);
          if (row === null) return [];
          return [
            [
              String(result.seed),
              nameOf(place),
              cell(result, place, accuracy),
              cell(result, place, miou),
              `${share(metricOf(result, place, width)?.value ?? 0)} (${share(result.comparison.trueSpanWidth ?? 0)})`,
              share(metricOf(result, place, 'all_videos.format_valid')!.value!),
            ],
          ];
        }),
      ),
    ],
  };
}

/** What GRPO adds to the SFT policy from labels alone, under both ways to verify. */
function weakLabels(results: readonly SeedResult[]): TextTable {
  return {
    title: 'GRPO from weak labels, against its SFT start (points, paired)',
    rows: [
      ['seed', 'verification', 'accuracy', 'mIoU (abnormal)', 'mean span'],
      ...results.flatMap((result) =>
        [guarded, paper].flatMap((place) => {
          if (rowOf(result, place) === null) return [];
          const start = { ...place, checkpoint: 'sft' };
          const gain = (metric: string) => differenceText(gainOf(result, place, start, metric)!);
          const mode = place === guarded ? 'guarded' : 'paper';
          return [[String(result.seed), mode, gain(accuracy), gain(miou), gain(width)]];
        }),
      ),
    ],
  };
}

/** What the temporal IoU reward adds on clips whose spans are annotated. */
function annotatedSpans(results: readonly SeedResult[]): TextTable {
  const place = of('tiou');
  return {
    title: 'GRPO with tIoU on clips with spans, against the same run without it (points, paired)',
    rows: [
      ['seed', 'accuracy', 'mIoU (abnormal)', 'mean span'],
      ...results.flatMap((result) => {
        if (gainOf(result, place, own('grpo'), accuracy) === null) return [];
        const gain = (metric: string) => differenceText(gainOf(result, place, own('grpo'), metric)!);
        return [[String(result.seed), gain(accuracy), gain(miou), gain(width)]];
      }),
    ],
  };
}

const half = of('half-reflection-data', 'reflection-sft');
const noMarks = of('no-marks', 'reflection-sft');
const reflecting: readonly Place[] = [own('reflection-sft'), own('grpo'), half, noMarks];

function reflection(results: readonly SeedResult[]): TextTable {
  return {
    title: 'Reflection: first and final answer',
    rows: [
      ['seed', 'checkpoint', 'first', 'final', 'wrong to right', 'right to wrong', 'final - first (points)'],
      ...results.flatMap((result) =>
        reflecting.flatMap((place) => {
          const row = rowOf(result, place);
          if (row?.transitions == null) return [];
          return [
            [
              String(result.seed),
              nameOf(place),
              cell(result, place, 'all_videos.first_accuracy'),
              cell(result, place, accuracy),
              String(row.transitions.wrongToRight),
              String(row.transitions.rightToWrong),
              differenceText(metricOf(result, place, 'all_videos.reflection_gain')!),
            ],
          ];
        }),
      ),
    ],
  };
}

/** What an ablation is held against. */
interface Ablation {
  readonly place: Place;
  readonly against: Place;
}

const ablated: readonly Ablation[] = [
  { place: own('grpo'), against: own('reflection-sft') },
  { place: of('only-rl'), against: own('grpo') },
  { place: of('no-reflection'), against: own('grpo') },
  { place: paper, against: guarded },
  { place: half, against: own('reflection-sft') },
  { place: of('quarter-reflection-data', 'reflection-sft'), against: own('reflection-sft') },
  { place: noMarks, against: half },
  { place: of('tiou'), against: own('grpo') },
  ...['accuracy', 'format', 'verification', 'length'].map((name) => ({
    place: of(`${name}-alone`),
    against: of(`${name}-alone`, 'sft'),
  })),
  ...['reflection', 'tiou'].map((name) => ({
    place: of(`${name}-alone`),
    against: of(`${name}-alone`, 'reflection-sft'),
  })),
];

function ablations(results: readonly SeedResult[]): TextTable {
  return {
    title: 'Ablations (points, paired on the same videos; mean and range over the seeds)',
    rows: [
      ['branch', 'against', 'accuracy', 'mIoU (abnormal)', 'mean span', 'accuracy, seed by seed'],
      ...ablated.flatMap(({ place, against }) => {
        const had = results.filter((result) => gainOf(result, place, against, accuracy) !== null);
        if (had.length === 0) return [];
        const changes = (metric: string) =>
          had.flatMap((result) => gainOf(result, place, against, metric)?.value ?? []);
        return [
          [
            nameOf(place),
            nameOf(against),
            changeText(changes(accuracy)),
            changeText(changes(miou)),
            changeText(changes(width)),
            had.map((result) => differenceText(gainOf(result, place, against, accuracy)!)).join('; '),
          ],
        ];
      }),
    ],
  };
}

/** `-2.1 (-3.0 to -0.9)`, with a word where the seeds differ by more than the change. */
export function changeText(values: readonly number[]): string {
  if (values.length === 0) return '-';
  const text = `${points(mean(values))} (${points(Math.min(...values))} to ${points(Math.max(...values))})`;
  return values.length > 1 && seedsMatterMore(values) ? `${text} seeds matter more` : text;
}

/** Whether the seeds spread by more than the mean change, or do not agree on its sign. */
export function seedsMatterMore(values: readonly number[]): boolean {
  const agree = values.every((value) => value > 0) || values.every((value) => value < 0);
  return !agree || Math.abs(mean(values)) < sampleDeviation(values);
}

function nameOf({ variant, checkpoint }: Place): string {
  return variant === null ? checkpoint : `${variant}/${checkpoint}`;
}

function cell(result: SeedResult, place: Place, metric: string): string {
  return cellText(metricOf(result, place, metric)!);
}

/** A table as Markdown that reads well in a terminal too. */
export function markdown({ title, rows }: TextTable): string {
  return `### ${title}\n\n${alignedMarkdown(rows)}\n`;
}
