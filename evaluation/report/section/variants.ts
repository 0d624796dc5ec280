import type { Comparison, ComparedCheckpoint } from '../../compare.js';
import type { Difference } from '../../result.js';
import { metricDefinition } from '../../metrics.js';
import { share } from '../../tables.js';
import { intervalTrack, trackScale } from '../chart/interval-track.js';
import { niceTicks } from '../chart/scale.js';
import type { ReportInput } from '../input.js';
import { variantCurves } from './variant-curves.js';
import { markup, type Markup } from '../markup.js';
import { displayName } from '../names.js';
import { differenceInWords, points } from '../words.js';

/** Columns of the table; a branch without the metric has a dash. */
const columns = [
  'all_videos.accuracy',
  'abnormal_only.miou',
  'abnormal_only.span_width',
  'all_videos.format_valid',
  'all_videos.first_accuracy',
] as const;
/** Drawn against the run's own checkpoint, and against that of the variant that it extends. */
const drawn = ['all_videos.accuracy', 'abnormal_only.miou', 'abnormal_only.span_width'] as const;
const tones = { better: 'up', worse: 'down', unclear: 'flat' } as const;

/** The run beside its variants: a table of all checkpoints, and the differences to what they vary, drawn. */
export function variants(input: ReportInput): Markup | null {
  const { comparison } = input;
  if (comparison === null) return null;
  const own = comparison.checkpoints.filter(({ sameAs }) => sameAs === null);
  return markup`<section id="variants"><h2>What the variants changed</h2>
<p>Each variant is this run, or another variant, with a few fields changed. All answer the same ${comparison.videos} videos, so differences are paired. One training seed each: a difference between two trainings also holds the luck of the seed, which these intervals do not show.</p>
<div class="panels gains">${drawn.map((metric) => differences(own, metric))}</div>
${table(comparison, own)}
${variantCurves(input)}</section>`;
}

/** What a row is called: the variant with its checkpoint. */
function nameOf({ variant, checkpoint }: Pick<ComparedCheckpoint, 'variant' | 'checkpoint'>): string {
  return `${variant ?? 'this run'}: ${displayName(checkpoint)}`;
}

function differences(own: readonly ComparedCheckpoint[], metric: (typeof drawn)[number]): Markup | null {
  const rows = own.flatMap((row): { readonly name: string; readonly change: Difference }[] => {
    const others = row.gains.filter(
      ({ variant, checkpoint }) => variant !== row.variant && checkpoint === row.checkpoint,
    );
    return others.flatMap(({ variant, metrics }) => {
      const change = metrics[metric];
      const name = variant === null ? nameOf(row) : `${nameOf(row)}, against ${variant}`;
      return change === undefined || change.value === null ? [] : [{ name, change }];
    });
  });
  if (rows.length === 0) return null;
  const reach = Math.max(
    0.02,
    ...rows.flatMap(({ change }) => [change.low ?? 0, change.high ?? 0]).map(Math.abs),
  );
  const ticks = niceTicks(-reach, reach, 8);
  const domain = [ticks[0]!, ticks.at(-1)!] as const;
  const { label, policy, better } = metricDefinition(metric);
  return markup`<figure class="panel"><figcaption><b>${label}</b> <code>${policy}</code> against this run, or the variant that is named</figcaption>
<div class="rows">${rows.map(({ name, change }) => {
    const tone = better === 'neither' ? 'flat' : tones[change.verdict];
    const said = better === 'neither' ? widthInWords(change) : differenceInWords(change);
    return markup`<span class="name">${name}</span>${intervalTrack({
      ...change,
      domain,
      ticks,
      reference: 0,
      tone,
      label: `${name}, ${label}: ${said}`,
    })}<span class="said ${tone}">${said}</span>`;
  })}${trackScale(
    [domain[0], 0, domain[1]].map((at) => ({ at, text: points(at, 0) })),
    domain,
  )}</div></figure>`;
}

/** Neither wider nor narrower is better of itself. */
function widthInWords({ value, low, high }: Difference): string {
  return `${points(value!)} points, interval ${points(low!)} to ${points(high!)}`;
}

function table({ trueSpanWidth }: Comparison, own: readonly ComparedCheckpoint[]): Markup {
  return markup`<div class="scroll"><table class="main"><thead><tr><th scope="col"><span class="sr">Row</span></th>${columns.map(
    (metric) => {
      const { label, policy } = metricDefinition(metric);
      return markup`<th scope="col">${label}<br><code>${policy}</code></th>`;
    },
  )}</tr></thead><tbody>${own.map(
    (row) =>
      markup`<tr class="checkpoint"><th scope="row">${nameOf(row)}</th>${columns.map((metric) => {
        const { value, low, high } = row.metrics[metric] ?? { value: null, low: null, high: null };
        return value === null
          ? markup`<td>–</td>`
          : markup`<td><b>${share(value)}</b>${low !== null && high !== null && markup`<small>${share(low)} – ${share(high)}</small>`}</td>`;
      })}</tr>`,
  )}</tbody></table></div>
${trueSpanWidth !== null && markup`<p class="note">The anomalies themselves last ${share(trueSpanWidth)} of the video on average.</p>`}`;
}
