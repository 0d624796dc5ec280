import { widestSpan } from '../../../training/watchers/grpo-watchers.js';
import { lineChart, type LineChart } from '../chart/line-chart.js';
import type { ReportInput, VariantLog } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { logTables, thinned, type LogTable } from '../training-log.js';
import { short } from '../../../core/short-number.js';

/**
 * How wide the spans of each variant's GRPO became over its steps: where verification is gamed, they widen. Null where no
 * variant has a GRPO stage of its own.
 */
export function variantCurves(input: ReportInput): Markup | null {
  const charts = input.variantLogs.flatMap((log) => widthChart(log, input) ?? []);
  if (charts.length === 0) return null;
  return markup`<h3>Mean span width of sampled answers over the steps of GRPO</h3>
<div class="curves small">${charts.map(lineChart)}</div>`;
}

function widthChart({ variant, rows }: VariantLog, { comparison, training }: ReportInput): LineChart | null {
  const table = grpoTable({ stage: 'grpo', rows });
  const values = table?.columns.get('spanWidth');
  if (table === null || values === undefined) return null;
  const own = training.find(({ stage }) => stage === 'grpo');
  const run = own === undefined ? null : grpoTable(own);
  const beside = run?.steps.length === table.steps.length ? run.columns.get('spanWidth') : undefined;
  const truth = comparison?.trueSpanWidth ?? null;
  return {
    title: variant,
    x: table.steps,
    series: [
      { label: variant, values, tone: 'c2' },
      ...(beside === undefined ? [] : [{ label: 'this run', values: beside, tone: 'c0' }]),
    ],
    domain: [0, 1],
    marks:
      truth === null
        ? []
        : [
            {
              value: Math.min(1, widestSpan * truth),
              label: `at most ${short(widestSpan * truth)}`,
              side: 'above',
            },
          ],
    warning: null,
  };
}

function grpoTable(log: { readonly stage: string; readonly rows: VariantLog['rows'] }): LogTable | null {
  const table = logTables(log).find(({ columns }) => columns.has('spanWidth'));
  return table === undefined ? null : thinned(table);
}
