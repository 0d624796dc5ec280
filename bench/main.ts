#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { exitCodeOfError } from '../cli/exit-codes.js';
import { processTerminal } from '../cli/terminal.js';
import { describeError } from '../core/errors.js';
import { addLearningBench } from './learning/command.js';
import { addLoad } from './load/command.js';
import { addMemoryBench } from './memory/command.js';
import { addPipelineBench } from './pipeline/command.js';
import { addPolicyBench } from './policy/command.js';
import { addTrainingBench } from './training/command.js';

const terminal = processTerminal();
const program = new Command('npm run bench --')
  .description(
    'Measures this project on this machine, each thing against what it is compared with. Numbers go to stdout, progress to stderr.',
  )
  .exitOverride()
  .addHelpText('after', '\nExample:\n  npm run bench -- policy --only sft-demo');
addPolicyBench(program, terminal);
addTrainingBench(program, terminal);
addLoad(program);
addMemoryBench(program, terminal);
addLearningBench(program, terminal);
addPipelineBench(program, terminal);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) terminal.err(`${describeError(error)}\n`);
  process.exitCode =
    error instanceof CommanderError && error.code === 'commander.help' ? 2 : exitCodeOfError(error);
}
