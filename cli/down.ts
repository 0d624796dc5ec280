import type { Command } from 'commander';
import { onStack } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight down`. */
export function addDown(program: Command, verb: Verb): void {
  onStack(
    program
      .command('down')
      .summary('stop the local stack')
      .description(
        'Stops the local stack and all its processes. Runs and artifacts stay; runs that were going on do so after the ' +
          'next `up`.',
      )
      .addHelpText('after', '\nExample:\n  hindsight down')
      .action(async () => {
        const { bringDown } = await import('../stack/down.js');
        const ran = await bringDown({ onProgress: (line) => verb.terminal.err(`${line}\n`) });
        verb.terminal.err(ran ? 'the stack is down\n' : 'nothing was running\n');
      }),
  );
}
