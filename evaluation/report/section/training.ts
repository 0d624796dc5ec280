import { lineChart } from '../chart/line-chart.js';
import { phaseCurves } from '../curves.js';
import type { ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName } from '../names.js';
import { logTables } from '../training-log.js';
import { watchersOf } from '../watched-table.js';

/** The curves of each training stage, with limits that warn. */
export function training({ training: logs, samples }: ReportInput): Markup | null {
  const stages = logs.flatMap((log) => {
    const watched = watchersOf(log.stage, samples);
    return logTables(log).map((table) => ({ ...table, curves: phaseCurves(table, watched) }));
  });
  if (stages.length === 0) return null;
  return markup`<section id="training"><h2>How training went</h2>
<p>Faint lines are single steps, strong ones their running mean. Dashed lines are limits; a curve whose running mean went beyond its limit is marked.</p>
${stages.map(({ stage, phase, curves }) => {
  const name = displayName(stage);
  return markup`<div class="stage"><h3>${name}${phase !== '' && phase !== stage && `: ${phase}`}</h3>
${curves.warnings.length > 0 && markup`<ul class="warnings">${curves.warnings.map((warning) => markup`<li>${warning}</li>`)}</ul>`}
<div class="curves">${curves.main.map(lineChart)}</div>
${curves.rest.length > 0 && markup`<details><summary>Other logged numbers (${curves.rest.length})</summary><div class="curves small">${curves.rest.map(lineChart)}</div></details>`}</div>`;
})}</section>`;
}
