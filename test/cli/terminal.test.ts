import { expect, test } from 'vitest';
import { LiveLine } from '../../cli/terminal.js';
import { RecordingTerminal } from './recording-terminal.js';

test('a live line is rewritten in place, and lines that stay go above it', () => {
  const terminal = new RecordingTerminal(true);
  const live = new LiveLine(terminal);
  live.show('1/3');
  live.show('1/3');
  live.print('ingest ran');
  live.show('2/3');
  live.clear();
  live.clear();
  expect(terminal.stderr.replaceAll('\r\u001b[K', '⏎')).toBe('⏎1/3⏎ingest ran\n⏎1/3⏎2/3⏎');
  expect(terminal.stdout).toBe('');
});

test('without a person there is no live line', () => {
  const terminal = new RecordingTerminal(false);
  const live = new LiveLine(terminal);
  live.show('1/3');
  live.print('ingest ran');
  live.clear();
  expect(terminal.stderr).toBe('ingest ran\n');
});
