import { splits } from '../../../config/dataset.js';
import type { Reject, Sample } from '../../../datasets/sample.js';
import { stackedBar } from '../chart/stacked-bar.js';
import type { ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { counted, grouped, percent } from '../words.js';

const shownRejects = 40;
const uses: Readonly<Record<(typeof splits)[number], string>> = {
  sft: 'reasoning texts',
  reflect: 'drafts and reflections',
  rl: 'labels only',
  val: 'never trained on',
  test: 'never trained on',
};

/** What the run was made of: splits by label and category, and what was turned away. */
export function data({ samples, rejects, config }: ReportInput): Markup {
  return markup`<section id="data"><h2>The data</h2>${composition(samples)}${categories(samples)}${rejected(rejects, samples.length, config.dataset.maxRejectShare)}</section>`;
}

function composition(samples: readonly Sample[]): Markup {
  const rows = splits.map((split) => {
    const inside = samples.filter((sample) => sample.split === split);
    const normal = inside.filter(({ label }) => label === 'Normal').length;
    return { split, total: inside.length, normal, abnormal: inside.length - normal };
  });
  const most = Math.max(1, ...rows.map(({ total }) => total));
  return markup`<div class="rows composition"><span class="head">Split</span><span class="head"><span class="key base">Normal</span> <span class="key truth">Abnormal</span></span><span class="head number">Videos</span>${rows.map(
    ({ split, total, normal, abnormal }) =>
      markup`<span class="name">${split} <small>${uses[split]}</small></span>${stackedBar(
        [
          { count: normal, tone: 'base', label: 'Normal' },
          { count: abnormal, tone: 'truth', label: 'Abnormal' },
        ],
        most,
      )}<span class="number">${grouped(total)} <small>${grouped(normal)} + ${grouped(abnormal)}</small></span>`,
  )}</div>`;
}

function categories(samples: readonly Sample[]): Markup | null {
  const known = new Map<string, number[]>();
  for (const { category, split, label } of samples) {
    if (label === 'Normal') continue;
    const name = category ?? 'category not known';
    const counts = known.get(name) ?? splits.map(() => 0);
    counts[splits.indexOf(split)]! += 1;
    known.set(name, counts);
  }
  if (known.size === 0) return null;
  const rows = [...known].sort(([a], [b]) => (a < b ? -1 : 1));
  return markup`<details><summary>Abnormal videos by category and split</summary><div class="scroll"><table><thead><tr><th scope="col">Category</th>${splits.map(
    (split) => markup`<th scope="col">${split}</th>`,
  )}<th scope="col">all</th></tr></thead><tbody>${rows.map(
    ([name, counts]) =>
      markup`<tr><th scope="row">${name}</th>${counts.map((count) => markup`<td>${count === 0 ? '·' : grouped(count)}</td>`)}<td><b>${grouped(counts.reduce((a, b) => a + b, 0))}</b></td></tr>`,
  )}</tbody></table></div></details>`;
}

function rejected(rejects: readonly Reject[], kept: number, limit: number): Markup {
  if (rejects.length === 0) return markup`<p class="note">No video and no annotation was rejected.</p>`;
  const reasons = new Map<string, number>();
  for (const { reason } of rejects) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const share = rejects.length / (rejects.length + kept);
  const summary = [...reasons]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([reason, count]) => markup`<li><b>${grouped(count)}</b> ${reason}</li>`);
  return markup`<h3>Rejected</h3>
<p>${counted(rejects.length, 'video or annotation', 'videos or annotations')} (${percent(share)}; the limit is ${percent(limit, 0)}) could not be used:</p>
<ul class="reasons">${summary}</ul>
<details${rejects.length <= 8 && markup` open`}><summary>${rejects.length > shownRejects ? `The first ${shownRejects} of them` : 'All of them'}</summary><div class="scroll"><table class="rejects"><thead><tr><th scope="col">Id</th><th scope="col">Named in</th><th scope="col">Reason</th><th scope="col">What was found</th></tr></thead><tbody>${rejects
    .slice(0, shownRejects)
    .map(
      ({ id, from, reason, message }) =>
        markup`<tr><th scope="row">${id}</th><td>${from}</td><td><code>${reason}</code></td><td>${message}</td></tr>`,
    )}</tbody></table></div></details>`;
}
