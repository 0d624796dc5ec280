#!/usr/bin/env node
import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// A reader that has seen enough (`hindsight logs ... | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), processTerminal());
