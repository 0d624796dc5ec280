import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import type { Terminal } from '../../cli/terminal.js';
import { machine } from '../side-by-side/machine.js';
import { listOf, positive } from '../side-by-side/options.js';
import { measureKills } from './kills.js';
import { measureMemory } from './memory.js';
import { measureOverhead, mostSamples } from './overhead.js';
import { parts, pipelineText, type PartName, type PipelineResult } from './result.js';
import { measureReuse } from './reuse.js';
import { measureTraffic } from './traffic.js';

interface Options {
  readonly only: readonly PartName[];
  readonly samples: number;
  readonly rounds: number;
  readonly minutes: number;
  readonly json?: true;
}

const explanation = `
What is measured, each part on stacks of its own that are gone afterwards
  reuse     how long looking at, planning and reusing a recorded run of --samples videos takes: its keys, manifests, blobs
            and workflows are the pipeline's own, but decoding, captioning, training and answering gave back what they said
            of two clips of the demo
  overhead  what Temporal adds to an activity that answers at once, and what the store adds to one, on a recorded run of
            at most ${mostSamples} samples; what both add to shards of real clips on the stack's media worker
  kills     seconds from kill -9 of every kind of process until the run is further than it was, once a round
  traffic   bytes between workers and store against bytes of artifacts, of a micro run and of one that reuses it
  memory    resident memory of the workers over --minutes of micro runs that share nothing; garbage is collected minutes
            apart, so that a window of a few minutes can show a slope that a longer one does not

Example:
  npm run bench -- pipeline --only kills,memory --rounds 3 --minutes 10`;

/** `bench pipeline`. */
export function addPipelineBench(program: Command, terminal: Terminal): void {
  program
    .command('pipeline')
    .description('Measures what the pipeline itself takes: reuse, overhead, kills, traffic and memory.')
    .option('--only <list>', `some of ${parts.join(', ')}, with commas`, listOf(parts), [...parts])
    .option('--samples <number>', 'videos of the recorded run', positive, 20_000)
    .option('--rounds <number>', 'how often everything but memory is measured', positive, 5)
    .option('--minutes <number>', 'how long memory is followed after its warm-up', positive, 5)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', explanation)
    .action(async (options: Options) => {
      const result = await measurePipeline(options, (line) => terminal.err(`${line}\n`));
      terminal.out(options.json ? `${JSON.stringify(result, null, 2)}\n` : pipelineText(result));
    });
}

async function measurePipeline(
  { only, samples, rounds, minutes }: Options,
  say: (line: string) => void,
): Promise<PipelineResult> {
  // Recording and replaying make workers of this process, which would tell of every start and end.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const measured: { -readonly [K in keyof PipelineResult]: PipelineResult[K] } = {
    schema: 2,
    machine: machine(),
  };
  if (only.includes('reuse')) measured.reuse = await measureReuse(samples, rounds, say);
  if (only.includes('overhead')) measured.overhead = await measureOverhead(samples, rounds, say);
  if (only.includes('kills')) measured.kills = await measureKills(rounds, say);
  if (only.includes('traffic')) measured.traffic = await measureTraffic(rounds, say);
  if (only.includes('memory')) measured.memory = await measureMemory(minutes, say);
  return measured;
}
