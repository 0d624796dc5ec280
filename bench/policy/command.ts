import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Terminal } from '../../cli/terminal.js';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { ours, references } from './commands.js';
import { measure, type MeasureOptions } from './measure.js';
import { Participant, type ParticipantCommand } from './participant.js';
import { Checked, Loaded, Profiled } from './protocol.js';
import { machine, workloadResult, type BenchResult } from './result.js';
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
    .option('--only <list>', `some of ${groups.join(', ')}, with commas`, groupList, [...groups])
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

/** The Python of the reference environment, which is made on first use; what that says goes to stderr. */
function referencePython(): string {
  const script = join(packageRoot, 'bench', 'reference', 'environment.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    throw new TerminalError('bench.no-reference', 'the reference environment could not be made', {
      fix: 'see the lines above; --python PATH uses an environment of your own',
    });
  }
  return stdout.trim();
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('A whole number from 1 on.');
  return number;
}

function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0)) throw new InvalidArgumentError('A number of seconds.');
  return number;
}

function groupList(text: string): WorkloadGroup[] {
  return text.split(',').map((name) => {
    const found = groups.find((group) => group === name.trim());
    if (found === undefined) throw new InvalidArgumentError(`Allowed: ${groups.join(', ')}.`);
    return found;
  });
}
