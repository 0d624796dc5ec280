import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { demoClips } from './demo-clips.js';
import type { DemoPreset } from './demo-clips.js';
import { followRun } from './follow.js';
import { startRun } from './run.js';
import { LiveLine } from './terminal.js';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

interface Options {
  readonly preset: DemoPreset;
  readonly json?: true;
}

/** `hindsight demo`. */
export function addDemo(program: Command, verb: Verb): void {
  onStack(
    program
      .command('demo')
      .summary('see the whole pipeline on synthetic clips')
      .description(
        'Renders synthetic surveillance clips to video files, runs every stage on them, and prints the table and the path ' +
          'of the report. What an earlier demo made is reused.',
      )
      .addOption(
        new Option('--preset <name>', 'micro: every part of it in under a minute, without learning anything')
          .choices(['demo', 'micro'])
          .default('demo'),
      )
      .option('--json', 'print one JSON object on stdout')
      .addHelpText('after', '\nExample:\n  hindsight demo --home /tmp/hindsight')
      .action(async ({ preset, json }: Options) => {
        const { terminal } = verb;
        const annotations = await renderClips(verb, preset);
        const loaded = await loadConfig(preset, {
          set: [`dataset.sources.0.annotations=${JSON.stringify(annotations)}`],
        });
        await withRuns(verb, 'always', async (api) => {
          const runId = await startRun(verb, api, loaded);
          await followRun(verb, api, runId, { json: json === true });
        });
        terminal.err('the stack stays up, ready for more; `hindsight down` stops it\n');
      }),
  );
}

/** Renders the clips of a preset into the home, those that are not there yet, and returns the annotation file. */
async function renderClips({ terminal }: Verb, preset: DemoPreset): Promise<string> {
  const { homePaths } = await import('../stack/home.js');
  const { writeSyntheticDataset } = await import('../video/synthetic/write-dataset.js');
  const counts = demoClips[preset];
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const live = new LiveLine(terminal);
  let quarter = 0;
  live.print(`synthetic clips: ${total}, rendered and encoded where they are not there yet`);
  const { annotations, rendered, reused } = await writeSyntheticDataset({
    dir: join(homePaths().root, 'clips', preset),
    seed: 1,
    counts,
    concurrency: availableParallelism(),
    onProgress: ({ done, total: of }) => {
      live.show(`clips ${done}/${of}`);
      const reached = Math.floor((4 * done) / of);
      if (!terminal.interactive && reached > quarter) live.print(`clips ${done}/${of}`);
      quarter = Math.max(quarter, reached);
    },
  });
  live.clear();
  live.print(`clips: ${rendered} rendered, ${reused} there already`);
  return annotations;
}
