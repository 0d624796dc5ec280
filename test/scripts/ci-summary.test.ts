import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../../core/package-root.js';

interface File {
  status: 'passed' | 'failed';
  assertionResults: { status: string }[];
}

const file = (status: File['status'], ...tests: string[]): File => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

function summarize(files: File[] | null, code: number): { line: string; status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'hindsight-ci-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'report.json');
  writeFileSync(path, files === null ? '' : JSON.stringify({ testResults: files }));
  const script = join(packageRoot, '.ci', 'summary.mjs');
  const { stdout, status } = spawnSync(process.execPath, [script, path, String(code)], { encoding: 'utf8' });
  return { line: stdout, status };
}

test('counts what passed, and what was skipped only when something was', () => {
  expect(summarize([file('passed', 'passed', 'passed')], 0)).toEqual({
    line: '2 passed, 0 failed\n',
    status: 0,
  });
  const withSkips = summarize([file('passed', 'passed', 'skipped', 'todo'), file('passed', 'pending')], 0);
  expect(withSkips).toEqual({ line: '1 passed, 0 failed, 3 skipped\n', status: 0 });
});

test('fails with failed tests and with files that could not be loaded', () => {
  expect(summarize([file('failed', 'passed', 'failed', 'failed')], 1)).toEqual({
    line: '1 passed, 2 failed\n',
    status: 1,
  });
  expect(summarize([file('failed'), file('passed', 'passed')], 1)).toEqual({
    line: '1 passed, 1 failed\n',
    status: 1,
  });
});

test('fails when something else failed: a check before the tests, or an error outside of them', () => {
  expect(summarize(null, 1)).toEqual({ line: '0 passed, 1 failed\n', status: 1 });
  expect(summarize([file('passed', 'passed')], 1)).toEqual({ line: '1 passed, 1 failed\n', status: 1 });
});
