import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Terminal } from '../../cli/terminal.js';
import { referencePython } from '../side-by-side/environments.js';
import { machine } from '../side-by-side/machine.js';
import { listOf, positive, seconds } from '../side-by-side/options.js';
import { Participant, type ParticipantCommand } from '../side-by-side/participant.js';
import { ours, references } from './commands.js';
import { measure, type MeasureOptions } from './measure.js';
import { Checked, Loaded, Profiled } from './protocol.js';
import { workloadResult, type BenchResult } from './result.js';
import { profileText, resultText } from './table.js';
import { groups, workloads, type Workload, type WorkloadGroup } from './workloads.js';
import { writeWork } from './write-work.js';

interface Options {
  readonly rounds: number;
  readonly patience: number;
  readonly only: readonly WorkloadGroup[];
  readonly python?: string;
  readonly json?: true;
  readonly profile?: true;
}

/** `bench policy`. */
export function addPolicyBench(program: Command, terminal: Terminal): void {
  program
    .command('policy')
    .description(
      'Times the policy against transformers in PyTorch: SFT steps, sampling and prefill, on the same weights and batches, in turn.',
    )
    .option('--rounds <number>', 'turns of every participant', positive, 7)
    .option('--patience <seconds>', 'how long a turn waits for other programs to rest', seconds, 20)
    .option('--only <list>', `some of ${groups.join(', ')}, with commas`, listOf(groups), [...groups])
    .option('--python <path>', 'a Python that has bench/reference/requirements.txt; by default one is made')
    .option('--json', 'print the result as JSON')
    .option('--profile', 'show where our own time goes instead of comparing')
    .addHelpText('after', '\nExample:\n  npm run bench -- policy --only sft-demo,sampling --rounds 5')
    .action(async (options: Options) => {
      const folder = await mkdtemp(join(tmpdir(), 'hindsight-bench-'));
      try {
        if (options.profile) await showProfiles(folder, options, terminal);
        else await compareAll(folder, options, terminal);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

async function compareAll(folder: string, options: Options, terminal: Terminal): Promise<void> {
  const commands = [ours(), ...references(options.python ?? referencePython())];
  const result = await bench(workloads(options.only), commands, {
    folder,
    rounds: options.rounds,
    patience: options.patience,
    say: (line) => terminal.err(`${line}\n`),
  });
  terminal.out(options.json ? `${JSON.stringify(result, null, 2)}\n` : resultText(result));
}

/** Measures the participants, of which the first is ours, on every work. */
export async function bench(
  list: readonly Workload[],
  commands: readonly ParticipantCommand[],
  options: MeasureOptions,
): Promise<BenchResult> {
  const results = [];
  for (const workload of list) {
    const { measured, disturbed } = await measure(workload, commands, options);
    results.push(workloadResult(workload, measured, disturbed));
  }
  return { schema: 1, machine: machine(), rounds: options.rounds, workloads: results };
}

async function showProfiles(folder: string, options: Options, terminal: Terminal): Promise<void> {
  const profiles = [];
  for (const workload of workloads(options.only)) {
    terminal.err(`${workload.name}: profiling\n`);
    const at = join(folder, workload.name);
    await writeWork(at, workload);
    const participant = new Participant(ours());
    try {
      await participant.ask({ do: 'load', folder: at }, Loaded);
      await participant.ask({ do: 'check' }, Checked);
      const { sections } = await participant.ask({ do: 'profile' }, Profiled);
      profiles.push({ name: workload.name, description: workload.description, sections });
    } finally {
      await participant.close();
    }
  }
  terminal.out(
    options.json ? `${JSON.stringify(profiles, null, 2)}\n` : profiles.map(profileText).join('\n'),
  );
}
