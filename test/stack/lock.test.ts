import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockHolder, tryLock, waitForLock } from '../../stack/lock.js';
import { identify } from '../../stack/process-identity.js';
import { temporaryHome } from './temporary-home.js';

const pathOfLock = (): string => join(temporaryHome().locks, 'a.lock');

test('only one holds a lock; after its release the next one does', () => {
  const path = pathOfLock();
  const lock = tryLock(path);
  expect(lock).not.toBeNull();
  expect(tryLock(path)).toBeNull();
  expect(lockHolder(path)).toEqual(identify(process.pid));
  lock?.release();
  expect(existsSync(path)).toBe(false);
  expect(tryLock(path)).not.toBeNull();
});

test('the lock of a process that has ended, or whose id was reused, is taken over', () => {
  const path = pathOfLock();
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  for (const holder of [
    { pid: ended, startedAt: '5' },
    { pid: process.pid, startedAt: '5' },
  ]) {
    writeFileSync(path, JSON.stringify(holder));
    expect(lockHolder(path)).toBeNull();
    const lock = tryLock(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(identify(process.pid));
    lock?.release();
  }
});

test('an unreadable lock and a guard left by a killed process do not block for ever', () => {
  const path = pathOfLock();
  writeFileSync(path, 'half wri');
  mkdirSync(`${path}.guard`);
  const long = new Date(Date.now() - 60_000);
  utimesSync(`${path}.guard`, long, long);
  expect(tryLock(path)).not.toBeNull();
});

test('releasing does not remove the lock of a later holder', () => {
  const path = pathOfLock();
  const lock = tryLock(path);
  writeFileSync(path, JSON.stringify({ pid: 1, startedAt: '5' }));
  lock?.release();
  expect(existsSync(path)).toBe(true);
});

test('waiting ends with the lock when it is released, and with a retryable error when it is not', async () => {
  const path = pathOfLock();
  const first = tryLock(path);
  const told: number[] = [];
  await expect(waitForLock(path, 200, (holder) => told.push(holder.pid))).rejects.toMatchObject({
    code: 'stack.locked',
    retryable: true,
  });
  expect(told).toEqual([process.pid]);
  const second = waitForLock(path, 5000);
  first?.release();
  (await second).release();
  expect(existsSync(path)).toBe(false);
});
