import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { residentMemory } from '../../../bench/memory/resident-memory.js';
import { childrenOf, processesOf } from '../../../bench/pipeline/processes.js';

async function sleeper(environment: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn('sleep', ['60'], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH']!, ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

it('finds the children of a process while they live, and nobody else’s', async () => {
  const child = await sleeper();
  expect(childrenOf(process.pid)).toContain(child.pid);
  expect(childrenOf(child.pid!)).toEqual([]);
  await killed(child);
  expect(childrenOf(process.pid)).not.toContain(child.pid);
});

it('finds the processes of a home by their environment', async () => {
  const home = `/tmp/home-of-${process.pid}`;
  const [ours, other] = [await sleeper({ HINDSIGHT_HOME: home }), await sleeper()];
  expect(processesOf(home)).toEqual([{ pid: ours.pid, command: 'sleep 60 ' }]);
  await killed(ours);
  expect(processesOf(home)).toEqual([]);
  expect(other.exitCode).toBeNull();
});

it('reads the resident memory of any process, and throws when it is gone', async () => {
  const child = await sleeper();
  const { now, peak } = residentMemory(child.pid);
  // A process that has just begun holds next to nothing.
  expect(now).toBeGreaterThan(0);
  expect(peak).toBeGreaterThanOrEqual(now);
  expect(residentMemory().now).toBeGreaterThan(now);
  await killed(child);
  expect(() => residentMemory(child.pid)).toThrow('ENOENT');
});
