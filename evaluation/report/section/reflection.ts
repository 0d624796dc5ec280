import type { CheckpointResult } from '../../result.js';
import type { DraftShares, ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName } from '../names.js';
import { counted, grouped, intervalText, percent, points } from '../words.js';

/** First against final verdict of each reflective checkpoint, as a small matrix; null when none reflects. */
export function reflection({ evaluation, drafts, config }: ReportInput): Markup | null {
  const reflective = evaluation.checkpoints.filter(({ transitions }) => transitions !== null);
  if (reflective.length === 0) return null;
  return markup`<section id="reflection"><h2>What reflecting did</h2>
<p>A reflective answer is given twice, with a look back in between. Useful reflection moves videos from the lower left to the lower right more often than from the upper right to the upper left. A policy can fake this by spoiling its first answer: watch the first-answer accuracy.</p>
${drafts !== null && draftNote(drafts, config.reflection.draftRightShare)}
<div class="panels">${reflective.map((checkpoint) => matrix(checkpoint, evaluation.videos))}</div></section>`;
}

/** Where the reflection data came from, and whether the asked share of right drafts was reached. */
function draftNote({ before, after }: DraftShares, asked: number): Markup {
  const total = (of: DraftShares['before']) => of.right + of.wrong;
  const rightShare = (of: DraftShares['before']) => percent(total(of) === 0 ? null : of.right / total(of));
  return markup`<p class="note">The reflection data: ${counted(total(before), 'draft')} of the SFT policy, written without the label, ${rightShare(before)} of them right; ${grouped(total(after))} kept, ${rightShare(after)} right (asked for: ${percent(asked)}).</p>`;
}

function matrix({ checkpoint, transitions, metrics }: CheckpointResult, videos: number): Markup | null {
  if (transitions === null) return null;
  const cell = (count: number, tone: string, what: string) =>
    markup`<td class="${tone}"><b>${count}</b><small>${percent(count / videos)}<br>${what}</small></td>`;
  const first = metrics['all_videos.first_accuracy'];
  const gain = metrics['all_videos.reflection_gain'];
  const present = metrics['all_videos.reflection_present'];
  return markup`<figure class="panel"><figcaption><b>${displayName(checkpoint)}</b> <code>all_videos</code></figcaption>
<table class="matrix"><thead><tr><td></td><th scope="col">final wrong</th><th scope="col">final right</th></tr></thead><tbody>
<tr><th scope="row">first right</th>${cell(transitions.rightToWrong, 'bad', 'spoiled')}${cell(transitions.rightToRight, 'still', 'kept')}</tr>
<tr><th scope="row">first wrong</th>${cell(transitions.wrongToWrong, 'still', 'not seen')}${cell(transitions.wrongToRight, 'good', 'corrected')}</tr>
</tbody></table>
<ul class="plain">
${first !== undefined && markup`<li>First-answer accuracy ${percent(first.value)} (interval ${intervalText(first) ?? '–'})</li>`}
${
  gain !== undefined &&
  gain.value !== null &&
  markup`<li>Reflecting changes accuracy by ${points(gain.value)} points (interval ${points(gain.low ?? gain.value)} to ${points(gain.high ?? gain.value)})</li>`
}
${present !== undefined && markup`<li>${percent(present.value)} of ${counted(videos, 'answer')} hold a reflection</li>`}
</ul></figure>`;
}
