import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Home } from '../../stack/home.js';
import { logPath, rotateLog, tailLog } from '../../stack/log-file.js';
import { identify, isAlive } from '../../stack/process-identity.js';
import { restartDelay, SupervisedProcess } from '../../stack/supervised-process.js';
import { temporaryHome } from './temporary-home.js';

function supervise(home: Home, code: string, graceMs = 5000): SupervisedProcess {
  const supervised = new SupervisedProcess(
    {
      name: 'try',
      kind: 'worker',
      command: process.execPath,
      args: ['-e', code],
      env: {},
      cwd: home.root,
      logFile: logPath(home, 'try'),
      graceMs,
    },
    () => undefined,
  );
  onTestFinished(() => supervised.stop());
  supervised.start();
  return supervised;
}

test('waits 200 ms, doubling up to 10 s', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 50].map(restartDelay)).toEqual([
    200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000,
  ]);
});

test('starts a process again whenever it ends, and counts', async () => {
  const home = temporaryHome();
  const supervised = supervise(home, 'console.log("once"); process.exit(3)');
  await vi.waitFor(() => expect(supervised.state.restarts).toBe(2), { timeout: 10_000, interval: 10 });
  expect(supervised.state.lastExit).toBe('exit code 3');
  await supervised.stop();
  expect(supervised.state).toMatchObject({ status: 'stopped', identity: null });
  const ran = readFileSync(logPath(home, 'try'), 'utf8').match(/once/g)?.length ?? 0;
  expect(ran).toBeGreaterThanOrEqual(2);
});

test('is stopped in its own eyes as soon as stopping is done, however busy the process', async () => {
  for (let round = 0; round < 20; round++) {
    const supervised = supervise(temporaryHome(), 'setInterval(() => undefined, 1000)');
    if (round % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 40));
    await supervised.stop();
    expect(supervised.state).toMatchObject({ status: 'stopped', identity: null });
  }
});

test('a program that is not there is an end like any other', async () => {
  const home = temporaryHome();
  const absent = new SupervisedProcess(
    {
      name: 'try',
      kind: 'worker',
      command: '/no/such',
      args: [],
      env: {},
      cwd: home.root,
      logFile: logPath(home, 'try'),
      graceMs: 1,
    },
    () => undefined,
  );
  onTestFinished(() => absent.stop());
  absent.start();
  await vi.waitFor(() => expect(absent.state.lastExit).toContain('ENOENT'), { timeout: 5000 });
  expect(absent.state.status).toBe('backoff');
});

test('what does not heed SIGTERM is killed after its grace, with what it had started', async () => {
  const home = temporaryHome();
  const stubborn = `process.on('SIGTERM', () => console.log('heard'));
    const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    console.log('child', child.pid); setInterval(() => {}, 1000);`;
  const supervised = supervise(home, stubborn, 300);
  const log = (): string => readFileSync(join(home.logs, 'try.log'), 'utf8');
  const pid = await vi.waitFor(() => Number(/child (\d+)/.exec(log())?.[1] ?? expect.fail('not yet')), {
    timeout: 5000,
  });
  const [leader, child] = [supervised.state.identity, identify(pid)];
  if (leader === null || child === null) return expect.fail('not running');
  await supervised.stop();
  expect(log()).toContain('heard');
  expect(isAlive(leader)).toBe(false);
  await vi.waitFor(() => expect(isAlive(child)).toBe(false), { timeout: 5000 });
});

test('logs are kept for three earlier starts', async () => {
  const home = temporaryHome();
  for (const word of ['one', 'two', 'three', 'four', 'five']) {
    rotateLog(home, 'try');
    const supervised = supervise(home, `console.log('${word}'); setInterval(() => {}, 1000)`);
    await vi.waitFor(() => expect(tailLog(home, 'try')).toBe(word), { timeout: 5000 });
    await supervised.stop();
  }
  const read = (name: string): string => readFileSync(join(home.logs, name), 'utf8').trim();
  expect(['try.log', 'try.1.log', 'try.2.log', 'try.3.log'].map(read)).toEqual([
    'five',
    'four',
    'three',
    'two',
  ]);
  expect(() => read('try.4.log')).toThrow();
});
