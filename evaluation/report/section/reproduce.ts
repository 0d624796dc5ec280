import { stringify } from 'yaml';
import type { ReportInput } from '../input.js';
import { markup, type Markup } from '../markup.js';
import { displayName } from '../names.js';
import { nextSteps } from '../next-steps.js';

/** What to do next, the resolved configuration, and what was published under which key. */
export function reproduce(input: ReportInput): Markup {
  const { config, artifacts } = input;
  return markup`<section id="next"><h2>What to do next</h2><ul>${nextSteps(input).map(
    ({ text, command }) =>
      markup`<li>${text}${command !== null && markup`<pre><code>${command}</code></pre>`}</li>`,
  )}</ul></section>
<section id="reproduce"><h2>To get this again</h2>
<p>The same configuration, code and toolchain give the same bytes. Everything that can change a result is in the configuration below (paths by their last part: where files lie changes nothing); each stage's key is the hash of what went into it.</p>
<details><summary>Resolved configuration, all defaults written out</summary><pre class="config"><code>${stringify(config)}</code></pre></details>
<details><summary>Artifacts: ${artifacts.length} stages with their keys and digests</summary><div class="scroll"><table class="artifacts"><thead><tr><th scope="col">Stage</th><th scope="col">Key</th><th scope="col">Outputs</th></tr></thead><tbody>${artifacts.map(
    ({ stage, key, outputs }) =>
      markup`<tr><th scope="row">${displayName(stage)}</th><td><code>${key}</code></td><td>${Object.entries(
        outputs,
      ).map(([name, digest]) => markup`<div>${name} <code>${digest}</code></div>`)}</td></tr>`,
  )}</tbody></table></div></details></section>`;
}
