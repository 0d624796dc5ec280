import { Option } from 'commander';
import type { Command } from 'commander';
import { HindsightError } from '../core/errors.js';
import type { ExitCode } from './exit-codes.js';
import type { RunApi } from './run-api.js';
import type { Terminal } from './terminal.js';

/** What a verb is given: where to write, and how to end other than well. */
export interface Verb {
  readonly terminal: Terminal;
  exit(code: ExitCode): void;
}

/** Adds the options that choose the stack; they win over HINDSIGHT_HOME and HINDSIGHT_STACK. */
export function onStack(command: Command): Command {
  return command
    .option('--home <folder>', 'home of the local stack (default: $HINDSIGHT_HOME, else .hindsight)')
    .addOption(
      new Option('--stack <kind>', 'the local stack, or the cluster that the environment names').choices([
        'embedded',
        'remote',
      ]),
    )
    .hook('preAction', (_, acting) => {
      const { home, stack } = acting.opts<{ home?: string; stack?: string }>();
      if (home !== undefined) process.env.HINDSIGHT_HOME = home;
      if (stack !== undefined) process.env.HINDSIGHT_STACK = stack;
    });
}

/** Adds `--set`, which may be given several times; `set` is undefined when it is not given at all. */
export function setOption(command: Command): Command {
  return command.option(
    '--set <field=value>',
    'change one field, e.g. --set sft.steps=100; may be repeated',
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  );
}

/**
 * Runs `work` against the stack, which is started where it is down. `start: 'known'` is for verbs about runs that are
 * there: in a folder that never had a stack there is nothing to see, and nothing is started; a Temporal server that does
 * not answer is left to `work`, which can still show what the store says.
 */
export async function withRuns<Result>(
  { terminal }: Verb,
  start: 'always' | 'known',
  work: (api: RunApi) => Promise<Result>,
): Promise<Result> {
  // Loaded when needed: the clients of Temporal and S3 take a second that --help and refusals should not.
  const { ensureUp } = await import('../stack/up.js');
  const { loadEndpoints } = await import('../stack/endpoints.js');
  const known = start === 'known';
  if (known) await loadEndpoints();
  await ensureUp({ onProgress: (line) => terminal.err(`${line}\n`), onlyLook: known }).catch(
    (error: unknown) => {
      if (!(known && lacksOnlyTemporal(error))) throw error;
    },
  );
  const { connectRunApi } = await import('./run-client.js');
  const api = await connectRunApi();
  try {
    return await work(api);
  } finally {
    await api.close();
  }
}

function lacksOnlyTemporal(error: unknown): boolean {
  if (!(error instanceof HindsightError) || error.code !== 'stack.not-ready') return false;
  return String(error.fields['silent']) === 'temporal';
}
