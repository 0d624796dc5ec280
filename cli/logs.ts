import type { Command } from 'commander';
import { onStack, withRuns } from './verb.js';
import type { Verb } from './verb.js';

interface Options {
  readonly stage?: string;
  readonly follow?: true;
}

/** `hindsight logs RUN_ID`. */
export function addLogs(program: Command, verb: Verb): void {
  onStack(
    program
      .command('logs')
      .summary('print what the stages of a run logged')
      .description('Prints the log lines of a run, each with its stage and attempt.')
      .argument('<run-id>', '`hindsight list` names them')
      .option('--stage <name>', 'only this stage, e.g. ingest or grpo')
      .option('--follow', 'go on until the run ends or Ctrl-C')
      .addHelpText('after', '\nExample:\n  hindsight logs demo-20260301-101500-3f2a --stage grpo --follow')
      .action(async (runId: string, { stage, follow }: Options) => {
        const stop = new AbortController();
        const onInterrupt = (): void => stop.abort();
        process.once('SIGINT', onInterrupt);
        try {
          await withRuns(verb, 'known', async (api) => {
            const lines = api.logs(runId, {
              ...(stage === undefined ? {} : { stage }),
              follow: follow === true,
              signal: stop.signal,
            });
            for await (const line of lines) verb.terminal.out(`${line}\n`);
          });
        } finally {
          process.off('SIGINT', onInterrupt);
        }
      }),
  );
}
