import type { Command } from 'commander';
import { runText } from './render/run-table.js';
import { printResults } from './results.js';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight show RUN_ID`. */
export function addShow(program: Command, verb: Verb): void {
  onStack(
    program
      .command('show')
      .summary('show one run')
      .description(
        'Shows a run: its stages, what they are at, what keeps it from moving (a queue without a worker, a training that ' +
          'makes no progress, work that is tried again, a full disk, a server that does not answer), and when it is ' +
          'done its results.',
      )
      .argument('<run-id>', '`hindsight list` names them')
      .option('--json', 'print one JSON object on stdout')
      .addHelpText('after', '\nExample:\n  hindsight show demo-20260301-101500-3f2a')
      .action(async (runId: string, { json }: { readonly json?: true }) => {
        const { terminal } = verb;
        await withRuns(verb, 'known', async (api) => {
          const snapshot = await api.snapshot(runId);
          if (json) {
            terminal.out(`${JSON.stringify(snapshot, null, 2)}\n`);
            return;
          }
          terminal.out(runText(snapshot, terminal.columns));
          await printResults(terminal, api, runId);
        });
      }),
  );
}
