import { paperTables } from '../../papers.js';
import { share } from '../../tables.js';
import { markup, type Markup } from '../markup.js';

/** What the papers report, kept apart: other data, models a thousand times larger. */
export function papers(): Markup {
  return markup`<section id="papers" class="theirs"><h2>What the papers report</h2>
<p><b>These figures are theirs, not ours.</b> Other videos, other models, another scale: they say what the methods reached where they were published, and are not to be compared with this run line by line.</p>
${paperTables.map(
  ({ title, source, note, columns, rows }, index) =>
    markup`<details${index === 0 && markup` open`}><summary>${title}</summary><p class="note">${source}. ${note}</p><div class="scroll"><table><thead><tr><th scope="col">Model</th>${columns.map(
      (column) => markup`<th scope="col">${column}</th>`,
    )}</tr></thead><tbody>${rows.map(
      ({ model, values }) =>
        markup`<tr><th scope="row">${model}</th>${values.map((value, index) => markup`<td>${value === null ? '' : columns[index]!.includes('%') ? value.toFixed(2) : share(value)}</td>`)}</tr>`,
    )}</tbody></table></div></details>`,
)}</section>`;
}
