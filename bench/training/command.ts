import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Terminal } from '../../cli/terminal.js';
import { referencePython } from '../side-by-side/environments.js';
import { listOf, positive, seconds } from '../side-by-side/options.js';
import { ours, references } from './commands.js';
import { measureTraining, prepareJob } from './measure.js';
import { sections, type Section } from './result.js';
import { trainingText } from './table.js';
import { flatSteps } from './targets.js';

interface Options {
  readonly rounds: number;
  readonly patience: number;
  readonly only: readonly Section[];
  readonly python?: string;
  readonly json?: true;
}

/** Steps after which memory is looked at. New shapes of batches, each with a graph of its own, come until about the 40th. */
const look = [10, 50, 100, 150];

const explanation = `
What is compared
  step        One GRPO step of the demo's config with the preset vad-r1: 16 prompts, 4 completions of each, verification
              (guarded), update against a reference policy. The policy is the demo's in size, and a short SFT on clips of
              the demo's renderer has taught it answers of the demo's form and length. The references are the same step
              in PyTorch: transformers' generate, sdpa, vision windows at once, the reference's forward pass, k3, AdamW.
                batched      verifies all completions in one generate that stops at </which>
                one by one   verifies them one after the other with whole answers, as the released code of Vad-R1 does
              All write the same completions: PyTorch's generate draws, but is led to the tokens that ours drew. They
              check the same cuts and learn from the same texts with the same advantages, which PyTorch takes as given.
              Answers of verification are each side's own; ours gives one per cut that differs from the others. The
              tokens of each side are printed. Updates are computed in full but with learning rate 0, so that every
              step starts with the same policy; KL and gradient norms must agree before anything is timed. Graphs that
              are compiled once per shape are compiled before that.
              Targets: verification / rollout <= 1.10; step / batched <= 1; step / one by one <= 1/3.
  checkpoint  Saving that policy with its optimizer state as a job does, and restoring both.
  memory      A GRPO job of ${look.at(-1)} steps in a process of its own: what it holds after steps ${look.join(', ')}, garbage
              collected. Flat means that ${flatSteps} steps bring no more tensors, and at most 2% more resident memory; before
              them a graph is compiled for every new shape of batch.

Example:
  npm run bench -- training --only step,checkpoint --rounds 5`;

/** `bench training`. */
export function addTrainingBench(program: Command, terminal: Terminal): void {
  program
    .command('training')
    .description(
      'Times GRPO steps against PyTorch loops, side by side; checkpoints; and whether memory stays flat.',
    )
    .option('--rounds <number>', 'turns of every participant', positive, 7)
    .option('--patience <seconds>', 'how long a turn waits for other programs to rest', seconds, 20)
    .option('--only <list>', `some of ${sections.join(', ')}, with commas`, listOf(sections), [...sections])
    .option('--python <path>', 'a Python that has bench/reference/requirements.txt; by default one is made')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', explanation)
    .action(async (options: Options) => {
      const folder = await mkdtemp(join(tmpdir(), 'hindsight-bench-'));
      try {
        await bench(folder, options, terminal);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

async function bench(
  folder: string,
  { only, rounds, patience, python, json }: Options,
  terminal: Terminal,
): Promise<void> {
  const say = (line: string): void => terminal.err(`${line}\n`);
  const others = only.includes('step') ? references(python ?? referencePython()) : [];
  say('preparing: clips, a short SFT, two steps of GRPO');
  await prepareJob(ours(), folder);
  const result = await measureTraining(ours(), others, { folder, only, rounds, patience, look, say });
  terminal.out(json ? `${JSON.stringify(result, null, 2)}\n` : trainingText(result));
}
