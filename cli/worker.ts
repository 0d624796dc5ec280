import { Argument } from 'commander';
import type { Command } from 'commander';
import { onStack } from './verb.js';
import type { Verb } from './verb.js';

/** Kept here so that `--help` need not load the worker; `runWorker` takes the same ones. */
const kinds = ['orchestrate', 'media', 'llm', 'gpu'] as const;

/** `hindsight worker QUEUE`. */
export function addWorker(program: Command, verb: Verb): void {
  onStack(
    program
      .command('worker')
      .summary('work on one queue, in the foreground')
      .description(
        'Takes work from one queue until it is told to stop (Ctrl-C, SIGTERM). The local stack runs one each of ' +
          'orchestrate, media and gpu; start more of them, on as many machines as you like, against a remote stack.',
      )
      .addArgument(new Argument('<queue>', 'which work to take').choices(kinds))
      .addHelpText('after', '\nExample:\n  hindsight worker gpu --stack remote')
      .action(async (queue: (typeof kinds)[number]) => {
        const { runWorker } = await import('../workers/main.js');
        verb.terminal.err(`worker for ${queue}\n`);
        await runWorker(queue);
      }),
  );
}
