import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { describeError } from '../core/errors.js';
import { packageRoot } from '../core/package-root.js';
import { redact } from '../core/redact.js';
import { addCancel } from './cancel.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { addDown } from './down.js';
import { exitCodeOfError, exitCodes } from './exit-codes.js';
import type { ExitCode } from './exit-codes.js';
import { addExport } from './export.js';
import { addList } from './list.js';
import { addLogs } from './logs.js';
import { addResume } from './resume.js';
import { addRun } from './run.js';
import { addShow } from './show.js';
import type { Terminal } from './terminal.js';
import { addUp } from './up.js';
import type { Verb } from './verb.js';
import { addWorker } from './worker.js';

const verbs = [
  addDemo,
  addRun,
  addResume,
  addList,
  addShow,
  addLogs,
  addCancel,
  addExport,
  addUp,
  addDown,
  addDoctor,
  addWorker,
];

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
  for (const add of verbs) add(program, verb);
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
