import { short } from '../../../core/short-number.js';
import { markup, type Markup } from '../markup.js';
import { niceTicks, percentOf } from './scale.js';

/** One line. */
export interface LineSeries {
  readonly label: string;
  /** Value per x of the chart, null where none was logged. */
  readonly values: readonly (number | null)[];
  /** Colour class: `c0`, `c1`, ... */
  readonly tone: string;
}

/**
 * A limit as a dashed line with a caption, which stands on the side that is out of bounds where the chart has room there. One
 * far outside the data is not drawn, so that it cannot flatten the lines.
 */
export interface ChartMark {
  readonly value: number;
  readonly label: string;
  readonly side: 'above' | 'below';
}

export interface LineChart {
  readonly title: string;
  /** Ascending. */
  readonly x: readonly number[];
  readonly series: readonly LineSeries[];
  /** Fixed limits, e.g. [0, 1] for shares; null: from the data. */
  readonly domain: readonly [number, number] | null;
  readonly marks: readonly ChartMark[];
  /** Said beside the title when something is wrong; null when nothing is. */
  readonly warning: string | null;
}

const width = 600;
const height = 200;
/** A noisy line of more points than this is also drawn smoothed. */
const smoothFrom = 24;

/**
 * Lines over steps. The SVG stretches with the page; its text is HTML beside it, so it stays readable on a phone. The
 * values travel in `data-` attributes for the hover readout.
 */
export function lineChart(chart: LineChart): Markup {
  const ticks = valueTicks(chart);
  const domain = [ticks[0]!, ticks.at(-1)!] as const;
  const xDomain = [chart.x[0]!, chart.x.at(-1)!] as const;
  const px = (x: number) =>
    round(xDomain[1] > xDomain[0] ? ((x - xDomain[0]) / (xDomain[1] - xDomain[0])) * width : width / 2);
  const py = (y: number) => round(height - (percentOf(y, domain) / 100) * height);
  const path = (line: readonly (number | null)[]) => linePath(line, chart.x, px, py);
  const drawn = chart.marks.filter(({ value }) => value >= domain[0] && value <= domain[1]);

  return markup`<figure class="curve" data-x="${JSON.stringify(chart.x)}" data-series="${JSON.stringify(
    chart.series.map(({ label, values: y }) => [
      label,
      y.map((value) => (value === null ? null : Number(value.toPrecision(4)))),
    ]),
  )}">
<figcaption><b>${chart.title}</b>${
    chart.series.length > 1 &&
    markup`<span class="legend">${chart.series.map(({ label, tone }) => markup`<span class="${tone}">${label}</span>`)}</span>`
  }${chart.warning !== null && markup`<span class="warning">${chart.warning}</span>`}<output></output></figcaption>
<div class="plot"><div class="y-axis" aria-hidden="true">${ticks.map(
    (tick) => markup`<span style="bottom:${percentOf(tick, domain)}%">${short(tick)}</span>`,
  )}</div>
<div class="area"><svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${describe(chart)}">${ticks.map(
    (tick) => markup`<line class="grid" x1="0" x2="${width}" y1="${py(tick)}" y2="${py(tick)}"/>`,
  )}${drawn.map(({ value }) => markup`<line class="mark" x1="0" x2="${width}" y1="${py(value)}" y2="${py(value)}"/>`)}${chart.series.map(
    ({ values: y, tone }) => {
      const smooth = y.filter((value) => value !== null).length >= smoothFrom;
      return markup`<path class="line ${tone}${smooth ? ' raw' : ''}" d="${path(y)}"/>${
        smooth && markup`<path class="line ${tone}" d="${path(smoothed(y))}"/>`
      }`;
    },
  )}</svg>${drawn.map(
    ({ value, label, side }) =>
      markup`<span class="mark-label ${captionSide(side, percentOf(value, domain))} ${emptierSide(chart, value)}" style="bottom:${percentOf(value, domain)}%">${label}</span>`,
  )}<i class="cursor" hidden></i></div></div>
<div class="x-axis" aria-hidden="true"><span>${short(xDomain[0])}</span><span>step</span><span>${short(xDomain[1])}</span></div></figure>`;
}

/** The side of a limit that its caption stands on: not below the lowest tenth, where the steps are written. */
function captionSide(side: ChartMark['side'], height: number): ChartMark['side'] {
  return side === 'below' && height < 10 ? 'above' : side;
}

/** Where a mark's label covers less of the lines. */
function emptierSide({ series }: LineChart, mark: number): 'left' | 'right' {
  const nearest = (which: 0 | -1) =>
    Math.min(
      ...series.map(({ values }) =>
        Math.abs((values.filter((value) => value !== null).at(which) ?? 0) - mark),
      ),
    );
  return nearest(0) > nearest(-1) ? 'left' : 'right';
}

/** Round numbers around the data and the marks near it; never so tight that noise of 1% looks like movement. */
function valueTicks({ series, marks, domain }: LineChart): number[] {
  if (domain !== null) return niceTicks(...domain);
  const values = series.flatMap((line) => line.values.filter((value) => value !== null));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const reach = high - low || Math.abs(high) || 1;
  const near = marks
    .map(({ value }) => value)
    .filter((value) => value <= high + reach && value >= low - reach);
  const ends = [...values, ...near];
  const middle = (low + high) / 2;
  const least = Math.abs(middle) * 0.05;
  return niceTicks(Math.min(...ends, middle - least), Math.max(...ends, middle + least));
}

/** Path data; a single point becomes a short stroke, gaps in the data break the line only where nothing lies between. */
function linePath(
  line: readonly (number | null)[],
  x: readonly number[],
  px: (x: number) => number,
  py: (y: number) => number,
): string {
  const points = line.flatMap((y, index) => (y === null ? [] : [[px(x[index]!), py(y)] as const]));
  if (points.length === 1) return `M${points[0]![0] - 3} ${points[0]![1]}h6`;
  return points.map(([left, top], index) => `${index === 0 ? 'M' : 'L'}${left} ${top}`).join('');
}

/**
 * Centred mean over about an eighth of the logged points. The window shrinks towards the ends, so that a steep beginning is
 * not drawn flat, but two points each way always count, so that the last step alone does not make a tail.
 */
function smoothed(line: readonly (number | null)[]): (number | null)[] {
  const known = line.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const reach = Math.max(2, Math.round(known.length / 16));
  const result: (number | null)[] = line.map(() => null);
  for (const [position, { index }] of known.entries()) {
    const side = Math.max(2, Math.min(reach, position, known.length - 1 - position));
    const window = known.slice(Math.max(0, position - side), position + side + 1);
    result[index] = window.reduce((sum, { value }) => sum + value, 0) / window.length;
  }
  return result;
}

function describe({ title, x, series }: LineChart): string {
  const lines = series.map(({ label, values }) => {
    const known = values.flatMap((value, index) => (value === null ? [] : [{ value, step: x[index]! }]));
    const first = known[0];
    const last = known.at(-1);
    return first === undefined || last === undefined
      ? `${label}: no values`
      : `${label} from ${short(first.value)} at step ${first.step} to ${short(last.value)} at step ${last.step}`;
  });
  return `${title}: ${lines.join('; ')}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
