import type { StratumResult } from '../../result.js';
import { intervalTrack, shareScale, shareTicks } from '../chart/interval-track.js';
import type { ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName, toneOf } from '../names.js';
import { counted, intervalText, percent } from '../words.js';

const groups = [
  {
    by: 'category',
    title: 'By category',
    metric: 'all_videos.accuracy',
    what: 'Share detected',
    policy: 'all_videos',
  },
  {
    by: 'category',
    title: 'By category',
    metric: 'abnormal_only.miou',
    what: 'mIoU',
    policy: 'abnormal_only',
  },
  { by: 'label', title: 'By label', metric: 'all_videos.accuracy', what: 'Accuracy', policy: 'all_videos' },
  {
    by: 'duration',
    title: 'By duration',
    metric: 'all_videos.accuracy',
    what: 'Accuracy',
    policy: 'all_videos',
  },
] as const;

/** Where the checkpoints are strong and weak. Small groups have wide intervals: no verdict is drawn from them. */
export function strata({ evaluation }: ReportInput): Markup | null {
  if (evaluation.strata.length === 0) return null;
  return markup`<section id="strata"><h2>Strong and weak spots</h2>
<p>Each row is a group of videos with one dot per checkpoint, ${evaluation.checkpoints.map(
    ({ checkpoint }, index) =>
      markup`${index > 0 && ', '}<span class="key ${toneOf(evaluation, checkpoint)}">${displayName(checkpoint)}</span>`,
  )}; the number is the last one's. Groups are small: read the width of the bars before the dots, and take a missing bar (all right, or all wrong) for a small group rather than for certainty.</p>
<div class="panels">${groups.map(({ by, title, metric, what, policy }) => {
    const members = evaluation.strata.filter((stratum) => stratum.by === by);
    // One group alone says nothing that the main table does not.
    if (members.length < 2) return null;
    return markup`<figure class="panel"><figcaption><b>${title}: ${what}</b> <code>${policy}</code></figcaption>
<div class="rows strata">${members.map((stratum) => row(evaluation, stratum, metric))}<span></span>${shareScale}<span></span></div></figure>`;
  })}</div></section>`;
}

function row(evaluation: ReportInput['evaluation'], stratum: StratumResult, metric: string): Markup {
  const estimates = evaluation.checkpoints.flatMap(({ checkpoint }) => {
    const estimate = stratum.checkpoints[checkpoint]?.[metric];
    return estimate === undefined ? [] : [{ checkpoint, estimate }];
  });
  return markup`<span class="name">${stratum.stratum} <small>${counted(stratum.videos, 'video')}</small></span>
<div class="tracks">${estimates.map(({ checkpoint, estimate }) => {
    const { value, low, high } = estimate;
    return intervalTrack({
      value,
      low,
      high,
      domain: [0, 1],
      ticks: shareTicks,
      reference: null,
      tone: toneOf(evaluation, checkpoint),
      label: `${stratum.stratum}, ${displayName(checkpoint)}: ${percent(value)}, interval ${intervalText(estimate) ?? 'not defined'}`,
    });
  })}</div><span class="number">${percent(estimates.at(-1)?.estimate.value ?? null, 0)}</span>`;
}
