import { metricDefinition } from '../../metrics.js';
import { intervalTrack, trackScale } from '../chart/interval-track.js';
import { niceTicks } from '../chart/scale.js';
import type { ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName } from '../names.js';
import { differenceInWords, points } from '../words.js';

const compared = [
  'all_videos.accuracy',
  'all_videos.precision',
  'all_videos.recall',
  'abnormal_only.miou',
  'abnormal_only.r@0.5',
  'all_videos.format_valid',
];
const tones = { better: 'up', worse: 'down', unclear: 'flat' } as const;

/** What each training stage changed, paired on the same videos, in words and drawn around zero. */
export function gains({ evaluation }: ReportInput): Markup | null {
  const { comparisons } = evaluation;
  if (comparisons.length === 0) return null;
  const bounds = comparisons.flatMap(({ metrics }) =>
    compared.flatMap((name) => [metrics[name]?.low ?? 0, metrics[name]?.high ?? 0]),
  );
  const reach = Math.max(0.02, ...bounds.map(Math.abs));
  const ticks = niceTicks(-reach, reach, 8);
  const domain = [ticks[0]!, ticks.at(-1)!] as const;
  return markup`<section id="gains"><h2>Did each stage help?</h2>
<p>The same videos, answered before and after. A change is called clear when its interval leaves out zero; all bars share one scale, in points. With ${compared.length * comparisons.length} intervals on this page, about one in twenty would look clear by luck.</p>
<div class="panels gains">${comparisons.map(
    ({ from, to, metrics }, index) =>
      markup`<figure class="panel"><figcaption><b>${displayName(from)} → ${displayName(to)}</b>${index > 1 && ' overall'}</figcaption>
<div class="rows">${compared.map((name) => {
        const difference = metrics[name];
        if (difference === undefined) return null;
        const { label, policy } = metricDefinition(name);
        const said = differenceInWords(difference);
        return markup`<span class="name">${label} <code>${policy}</code></span>${intervalTrack({
          ...difference,
          domain,
          ticks,
          reference: 0,
          tone: tones[difference.verdict],
          label: `${label} (${policy}): ${said}`,
        })}<span class="said ${tones[difference.verdict]}">${said}</span>`;
      })}${trackScale(
        [domain[0], 0, domain[1]].map((at) => ({ at, text: points(at, 0) })),
        domain,
      )}</div></figure>`,
  )}</div></section>`;
}
