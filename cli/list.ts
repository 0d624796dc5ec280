import type { Command } from 'commander';
import { listText } from './render/run-table.js';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight list`. */
export function addList(program: Command, verb: Verb): void {
  onStack(
    program
      .command('list')
      .summary('list all runs')
      .description('Lists all runs by id, with status, age and name.')
      .option('--json', 'print a JSON array on stdout')
      .addHelpText('after', '\nExample:\n  hindsight list --json | jq -r ".[].runId"')
      .action(async ({ json }: { readonly json?: true }) => {
        const runs = await withRuns(verb, 'known', (api) => api.list());
        verb.terminal.out(json ? `${JSON.stringify(runs, null, 2)}\n` : listText(runs, Date.now()));
      }),
  );
}
