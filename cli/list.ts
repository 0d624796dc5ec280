import type { Command } from 'commander';
import { listProblemsText, listText } from './render/run-table.js';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight list`. */
export function addList(program: Command, verb: Verb): void {
  onStack(
    program
      .command('list')
      .summary('list all runs')
      .description(
        'Lists all runs by id, with age, name and status, and with what keeps one that runs from moving.',
      )
      .option('--json', 'print a JSON array on stdout')
      .addHelpText('after', '\nExample:\n  hindsight list --json | jq -r ".[].runId"')
      .action(async ({ json }: { readonly json?: true }) => {
        const runs = await withRuns(verb, 'known', (api) => api.list());
        const { terminal } = verb;
        if (json) {
          terminal.out(`${JSON.stringify(runs, null, 2)}\n`);
          return;
        }
        terminal.out(listText(runs, Date.now(), terminal.columns));
        terminal.err(listProblemsText(runs, terminal.columns));
      }),
  );
}
