import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { exitCodeOfError, exitCodeOfStatus } from '../../cli/exit-codes.js';
import { runStatuses } from '../../artifacts/runs.js';
import { InputError, RetryableError, TerminalError } from '../../core/errors.js';

test('a followed run ends with the code of its status', () => {
  expect(Object.fromEntries(runStatuses.map((status) => [status, exitCodeOfStatus(status)]))).toEqual({
    running: 0,
    awaiting: 3,
    done: 0,
    failed: 1,
    cancelled: 4,
  });
});

test.each([
  [new InputError('annotations.bad', { file: 'a.jsonl' }, 'bad'), 2],
  [new TerminalError('config.does-not-fit', 'too large'), 2],
  [new TerminalError('run.unknown', 'no run'), 2],
  [new TerminalError('run.exists', 'a run'), 2],
  [new TerminalError('run.running', 'it runs'), 1],
  [new TerminalError('stack.not-up', 'down'), 1],
  [new TerminalError('stack.remote-incomplete', 'no address'), 2],
  [new RetryableError('stack.not-ready', 'slow'), 1],
  [new CommanderError(1, 'commander.unknownOption', 'unknown option'), 2],
  [new CommanderError(0, 'commander.helpDisplayed', 'help'), 0],
  [new Error('a bug'), 1],
  ['thrown text', 1],
])('%s ends with %i', (error, code) => {
  expect(exitCodeOfError(error)).toBe(code);
});
