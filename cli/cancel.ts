import type { Command } from 'commander';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

/** `hindsight cancel RUN_ID`. */
export function addCancel(program: Command, verb: Verb): void {
  onStack(
    program
      .command('cancel')
      .summary('stop a run')
      .description('Asks a run to stop. Running stages save first, so that `resume` goes on from there.')
      .argument('<run-id>', '`hindsight list` names them')
      .addHelpText('after', '\nExample:\n  hindsight cancel clips-20260301-101500-3f2a')
      .action(async (runId: string) => {
        await withRuns(verb, 'known', (api) => api.cancel(runId));
        verb.terminal.err(`${runId} is stopping; go on later with: hindsight resume ${runId}\n`);
      }),
  );
}
