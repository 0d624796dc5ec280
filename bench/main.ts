#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { exitCodeOfError } from '../cli/exit-codes.js';
import { describeError } from '../core/errors.js';
import { addLoad } from './load/command.js';

const program = new Command('npm run bench --')
  .description('Measures this project on this machine. Numbers go to stdout, progress to stderr.')
  .exitOverride()
  .addHelpText('after', '\nExample:\n  npm run bench -- load');
for (const add of [addLoad]) add(program);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) process.stderr.write(`${describeError(error)}\n`);
  process.exitCode =
    error instanceof CommanderError && error.code === 'commander.help' ? 2 : exitCodeOfError(error);
}
