import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { describeError } from '../core/errors.js';
import { packageRoot } from '../core/package-root.js';
import { redact } from '../core/redact.js';
import { exitCodeOfError, exitCodes } from './exit-codes.js';
import type { ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal.js';
import type { Verb } from './verb.js';

type AddVerb = (program: Command, verb: Verb) => void;

/** Each in its own file, loaded when it is called: what `run` needs would take longer to load than `list` takes as a whole. */
const verbs: Readonly<Record<string, () => Promise<AddVerb>>> = {
  demo: async () => (await import('./demo.js')).addDemo,
  run: async () => (await import('./run.js')).addRun,
  resume: async () => (await import('./resume.js')).addResume,
  list: async () => (await import('./list.js')).addList,
  show: async () => (await import('./show.js')).addShow,
  logs: async () => (await import('./logs.js')).addLogs,
  cancel: async () => (await import('./cancel.js')).addCancel,
  export: async () => (await import('./export.js')).addExport,
  up: async () => (await import('./up.js')).addUp,
  down: async () => (await import('./down.js')).addDown,
  doctor: async () => (await import('./doctor.js')).addDoctor,
  worker: async () => (await import('./worker.js')).addWorker,
};

/** Does what the arguments (without `node` and the script) say, writing to `terminal`; returns the exit code. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const verb: Verb = { terminal, exit: (wanted) => void (code = wanted) };
  const program = new Command('hindsight')
    .description(
      'Turns surveillance videos into a vision-language model that reasons about anomalies, and measures it.',
    )
    .version(version())
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .configureHelp({ helpWidth: Math.min(terminal.columns ?? 100, 100) })
    .showSuggestionAfterError()
    .addHelpText('after', '\nExample:\n  hindsight demo');
  const [named] = args;
  // Help and suggestions need all of them.
  const wanted = named !== undefined && Object.hasOwn(verbs, named) ? [named] : Object.keys(verbs);
  for (const name of wanted) (await verbs[name]!())(program, verb);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      terminal.err(`${describeError(error)}\n`);
      if (process.env.HINDSIGHT_DEBUG && error instanceof Error)
        terminal.err(`${redact(String(error.stack))}\n`);
    } else if (error.code === 'commander.help') {
      // No verb was given: the help went to stderr.
      return exitCodes.usage;
    }
    return exitCodeOfError(error);
  }
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return version;
}
