import type { Command } from 'commander';
import { columns } from '../../cli/render/columns.js';
import type { Terminal } from '../../cli/terminal.js';
import { machineText } from '../side-by-side/machine.js';
import { positive } from '../side-by-side/options.js';
import { spreadText } from '../side-by-side/statistics.js';
import { outcomeText } from '../side-by-side/verdict.js';
import { measureReuse, type ReuseResult } from './reuse.js';
import type { Measured } from './targets.js';

interface Options {
  readonly samples: number;
  readonly rounds: number;
  readonly json?: true;
}

const meaning: Readonly<Record<Measured, string>> = {
  list: 'hindsight list, from start to end of its process',
  show: 'hindsight show of a finished run, likewise',
  plan: 'hindsight run --plan, likewise',
  run: 'a new run that finds everything in the store',
  resume: 'resume of a run that is done',
};

const explanation = `
What is measured
  A run of the demo's config on as many videos as are asked for is recorded in an empty store: keys, manifests, blobs and
  workflows are the pipeline's own, but decoding, captioning, training and answering give back what they said of two clips
  of the demo. Then, on the stack's real workers:
${Object.entries(meaning)
  .map(([name, text]) => `    ${name.padEnd(8)}${text}`)
  .join('\n')}

Example:
  npm run bench -- pipeline --samples 2000`;

/** `bench pipeline`. */
export function addPipelineBench(program: Command, terminal: Terminal): void {
  program
    .command('pipeline')
    .description('Times looking at, planning and reusing a recorded run of many samples.')
    .option('--samples <number>', 'videos of the recorded run', positive, 20_000)
    .option('--rounds <number>', 'how often everything is timed', positive, 5)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', explanation)
    .action(async ({ samples, rounds, json }: Options) => {
      const result = await measureReuse(samples, rounds, (line) => terminal.err(`${line}\n`));
      terminal.out(json ? `${JSON.stringify(result, null, 2)}\n` : reuseText(result));
    });
}

/** The result as text: the machine, the times, the verdicts. */
export function reuseText({ machine, samples, rounds, seconds, verdicts }: ReuseResult): string {
  const rows = Object.entries(seconds).map(([name, of]) => [
    name,
    spreadText(of, 2),
    meaning[name as Measured],
  ]);
  return [
    `A recorded run of ${samples} samples: ${rounds} rounds.\n`,
    `${machineText(machine)}\n`,
    'Times are medians over the rounds (least to most).\n\n',
    columns([['', 'seconds', ''], ...rows]),
    ...verdicts.map(
      (verdict) => `${verdict.target}: ${verdict.reached.toFixed(2)}, ${outcomeText(verdict)}\n`,
    ),
  ].join('');
}
