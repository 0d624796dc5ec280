import type { Command } from 'commander';
import { stackText } from './render/checks.js';
import { onStack } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight up`. */
export function addUp(program: Command, verb: Verb): void {
  onStack(
    program
      .command('up')
      .summary('start the local stack')
      .description(
        'Starts the Temporal server, the S3 gateway and a worker per queue on this machine, in the background; verbs that ' +
          'need them do so by themselves.',
      )
      .option('--json', 'print one JSON object on stdout')
      .addHelpText('after', '\nExample:\n  hindsight up --home /data/hindsight')
      .action(async ({ json }: { readonly json?: true }) => {
        const { ensureUp } = await import('../stack/up.js');
        const { stackStatus } = await import('../stack/status.js');
        const { isRemote } = await import('../stack/endpoints.js');
        await ensureUp({ onProgress: (line) => verb.terminal.err(`${line}\n`) });
        if (isRemote()) {
          verb.terminal.err('a remote stack is not ours to start; workers join it with `hindsight worker`\n');
          return;
        }
        const status = await stackStatus();
        verb.terminal.out(json ? `${JSON.stringify(status, null, 2)}\n` : stackText(status));
        verb.terminal.err('`hindsight down` stops it\n');
      }),
  );
}
