#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { exitCodeOfError } from '../cli/exit-codes.js';
import { processTerminal } from '../cli/terminal.js';
import { describeError } from '../core/errors.js';
import { addPolicyBench } from './policy/command.js';

const terminal = processTerminal();
const program = new Command('bench')
  .description('Measurements of this project, each against what it is compared with.')
  .exitOverride()
  .addHelpText('after', '\nExample:\n  npm run bench -- policy --only sft-demo');

addPolicyBench(program, terminal);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) terminal.err(`${describeError(error)}\n`);
  process.exitCode = exitCodeOfError(error);
}
