import { intervalTrack, shareScale, shareTicks } from '../chart/interval-track.js';
import type { ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName, policyMeanings, toneOf } from '../names.js';
import { metricDefinition } from '../../metrics.js';
import { outcomeMeanings } from '../../answered-video.js';
import { mainTable, share, type MainTable } from '../../tables.js';
import { intervalText, percent } from '../words.js';
import { bestTrivial } from './header.js';

const drawn = ['all_videos.accuracy', 'all_videos.f1', 'abnormal_only.miou', 'vadr1_upstream.miou'];

/** The main table, and its intervals drawn beside the trivial baselines. */
export function results({ evaluation }: ReportInput): Markup {
  const level = percent(evaluation.confidence, 0);
  const used = new Set(mainTable(evaluation).columns.map(({ policy }) => policy));
  return markup`<section id="results"><h2>What came out</h2>
<p>Dots are values, bars are ${level} intervals. Hollow dots need no model; the dashed line is the best of them. A checkpoint is worth its training only where it clears that line.</p>
<div class="panels">${drawn.map((metric) => panel(evaluation, metric))}</div>
<h3>Main table</h3>
${table(mainTable(evaluation))}
<dl class="policies">${[...used].map(
    (policy) => markup`<div><dt><code>${policy}</code></dt><dd>${policyMeanings[policy] ?? ''}</dd></div>`,
  )}</dl>
${outcomes(evaluation)}
</section>`;
}

function panel(evaluation: ReportInput['evaluation'], metric: string): Markup {
  const { label, policy } = metricDefinition(metric);
  const reference = bestTrivial(evaluation, metric);
  const rows = [
    ...evaluation.baselines.map(({ baseline, metrics }) => ({ name: baseline, tone: 'base', metrics })),
    ...evaluation.checkpoints.map(({ checkpoint, metrics }) => ({
      name: checkpoint,
      tone: toneOf(evaluation, checkpoint),
      metrics,
    })),
  ];
  return markup`<figure class="panel"><figcaption><b>${label}</b> <code>${policy}</code></figcaption>
<div class="rows">${rows.map(({ name, tone, metrics }) => {
    const estimate = metrics[metric];
    if (estimate === undefined) return null;
    const { value, low, high } = estimate;
    const interval = intervalText(estimate);
    const said = `${displayName(name)}: ${percent(value)}${interval === null ? '' : `, interval ${interval}`}`;
    return markup`<span class="name ${tone}">${displayName(name)}</span>${intervalTrack({
      value,
      low,
      high,
      domain: [0, 1],
      ticks: shareTicks,
      reference,
      tone,
      label: said,
    })}<span class="number">${percent(value)}</span>`;
  })}<span></span>${shareScale}<span></span></div></figure>`;
}

function table(main: MainTable): Markup {
  return markup`<div class="scroll"><table class="main"><thead><tr><th scope="col"><span class="sr">Row</span></th>${main.columns.map(
    ({ label, policy }) => markup`<th scope="col">${label}<br><code>${policy}</code></th>`,
  )}</tr></thead><tbody>${main.rows.map(
    ({ name, kind, cells }, index) =>
      markup`<tr class="${kind}${kind === 'checkpoint' && main.rows[index - 1]?.kind !== 'checkpoint' ? ' first' : ''}"><th scope="row">${displayName(name)}</th>${cells.map(
        ({ value, low, high }) =>
          value === null
            ? markup`<td>–</td>`
            : markup`<td><b>${share(value)}</b>${low !== null && high !== null && markup`<small>${share(low)} – ${share(high)}</small>`}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

/** What became of the answers, where not all were fine. */
function outcomes({ checkpoints, videos }: ReportInput['evaluation']): Markup {
  const lines = checkpoints.flatMap(({ checkpoint, outcomes: counts, truncated }) => {
    const odd = Object.entries(counts).filter(([outcome, count]) => outcome !== 'ok' && count > 0);
    const parts = odd.map(
      ([outcome, count]) => `${count} × ${outcomeMeanings[outcome as keyof typeof outcomeMeanings]}`,
    );
    if (truncated > 0) parts.push(`${truncated} × cut off at the token limit`);
    return parts.length === 0
      ? []
      : [markup`<li><b>${displayName(checkpoint)}:</b> ${parts.join('; ')}</li>`];
  });
  return lines.length === 0
    ? markup`<p class="note">Every answer of every checkpoint could be read, and none was cut off.</p>`
    : markup`<p>Answers that could not be used, of ${videos} (wrong in every policy but <code>vadr1_upstream</code>):</p><ul>${lines}</ul>`;
}
