import type { Command } from 'commander';
import { exitCodes } from './exit-codes.js';
import { checksText } from './render/checks.js';
import { onStack } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight doctor`. */
export function addDoctor(program: Command, verb: Verb): void {
  onStack(
    program
      .command('doctor')
      .summary('check this machine and the stack')
      .description(
        'Checks everything a run needs by using it, and prints how to mend what is not well. Changes nothing.',
      )
      .option('--json', 'print a JSON array on stdout')
      .addHelpText(
        'after',
        '\nExample:\n  hindsight doctor\n\nExits with 1 when something is broken; warnings do not count.',
      )
      .action(async ({ json }: { readonly json?: true }) => {
        const { diagnose } = await import('../stack/doctor.js');
        const checks = await diagnose();
        verb.terminal.out(json ? `${JSON.stringify(checks, null, 2)}\n` : checksText(checks));
        if (checks.some(({ ok }) => ok === false)) verb.exit(exitCodes.failed);
      }),
  );
}
