import { metricDefinition } from './metrics.js';
import type { Estimate, EvaluationResult } from './result.js';

/** The metrics of the main table, in its order. */
export const mainMetrics = [
  'all_videos.accuracy',
  'all_videos.f1',
  'all_videos.miou',
  'abnormal_only.miou',
  'abnormal_only.r@0.5',
  'vadr1_upstream.miou',
  'all_videos.format_valid',
] as const;

/** Rows: baselines, then checkpoints in pipeline order. */
export interface MainTable {
  readonly confidence: number;
  readonly videos: number;
  readonly columns: readonly { readonly metric: string; readonly label: string; readonly policy: string }[];
  readonly rows: readonly {
    readonly name: string;
    readonly kind: 'baseline' | 'oracle' | 'checkpoint';
    readonly cells: readonly Estimate[];
  }[];
}

/** The main table as data; also its JSON form. Format validity means nothing for a baseline and is left empty. */
export function mainTable(result: EvaluationResult, metrics: readonly string[] = mainMetrics): MainTable {
  const cells = (estimates: Readonly<Record<string, Estimate>>) =>
    metrics.map((name) => estimates[name] ?? empty);
  return {
    confidence: result.confidence,
    videos: result.videos,
    columns: metrics.map((metric) => {
      const { label, policy } = metricDefinition(metric);
      return { metric, label, policy };
    }),
    rows: [
      ...result.baselines.map(({ baseline, oracle, metrics: estimates }) => ({
        name: baseline,
        kind: oracle ? ('oracle' as const) : ('baseline' as const),
        cells: cells({ ...estimates, 'all_videos.format_valid': empty }),
      })),
      ...result.checkpoints.map(({ checkpoint, metrics: estimates }) => ({
        name: checkpoint,
        kind: 'checkpoint' as const,
        cells: cells(estimates),
      })),
    ],
  };
}

const empty: Estimate = { value: null, low: null, high: null, videos: 0 };

/** `.938 [.921, .953]`, or a dash when undefined. */
export function cellText({ value, low, high }: Estimate): string {
  if (value === null) return '–';
  return low === null || high === null ? share(value) : `${share(value)} [${share(low)}, ${share(high)}]`;
}

/** Three decimals without the leading zero: `.938`, `1.000`, `-.020`. */
export function share(value: number): string {
  return value
    .toFixed(3)
    .replace(/^(-?)0\./, '$1.')
    .replace(/^-(\.000)$/, '$1');
}

/** GitHub Markdown, columns aligned so that it reads well in a terminal too. */
export function markdownTable(table: MainTable): string {
  const lines = [
    ['', ...table.columns.map(({ label, policy }) => `${label} (${policy})`)],
    ...table.rows.map(({ name, cells }) => [name, ...cells.map(cellText)]),
  ];
  return [alignedMarkdown(lines), '', caption(table), ''].join('\n');
}

/** Rows of cells, the first one the head, as a Markdown table that reads well in a terminal too. */
export function alignedMarkdown(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

/** CSV (RFC 4180) for spreadsheets: one line per row and metric, numbers in full. */
export function csvTable(table: MainTable): string {
  const header = ['name', 'kind', 'policy', 'metric', 'value', 'low', 'high', 'videos'];
  const lines = table.rows.flatMap(({ name, kind, cells }) =>
    cells.map(({ value, low, high, videos }, index) => {
      const { metric, policy } = table.columns[index]!;
      return [name, kind, policy, metric, value ?? '', low ?? '', high ?? '', videos];
    }),
  );
  return [header, ...lines].map((line) => line.map(csvField).join(',') + '\r\n').join('');
}

/** A LaTeX tabular with booktabs rules; intervals in small print under the values' line. */
export function latexTable(table: MainTable): string {
  const heads = table.columns.map(({ label, policy }) => `${latex(label)} {\\scriptsize ${latex(policy)}}`);
  const rows = table.rows.map(({ name, cells }) => {
    const texts = cells.map(({ value, low, high }) =>
      value === null
        ? '--'
        : low === null || high === null
          ? share(value)
          : `${share(value)} {\\scriptsize [${share(low)}, ${share(high)}]}`,
    );
    return `${latex(name)} & ${texts.join(' & ')} \\\\`;
  });
  const firstCheckpoint = table.rows.findIndex(({ kind }) => kind === 'checkpoint');
  if (firstCheckpoint > 0) rows.splice(firstCheckpoint, 0, '\\midrule');
  return [
    `% ${caption(table)}`,
    `\\begin{tabular}{l${'c'.repeat(heads.length)}}`,
    '\\toprule',
    ` & ${heads.join(' & ')} \\\\`,
    '\\midrule',
    ...rows,
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

/** What the brackets are. */
export function caption(table: MainTable): string {
  const level = Math.round(table.confidence * 1000) / 10;
  return `${table.videos} videos; [low, high] are ${level}% bootstrap intervals over videos.`;
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function latex(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '\\': '\\textbackslash{}',
    '~': '\\textasciitilde{}',
    '^': '\\textasciicircum{}',
  };
  return text.replace(/[\\~^&%$#_{}]/g, (symbol) => named[symbol] ?? `\\${symbol}`);
}
