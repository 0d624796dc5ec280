import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RetryableError } from '../core/errors.js';
import { partialName } from '../core/partial-name.js';
import type { Home } from './home.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

const Holder = z.object({ pid: z.number(), startedAt: z.string() });

/** A lock file held by this process. */
export interface Lock {
  release(): void;
}

/** Held by the one supervisor of a home while it lives. */
export const supervisorLock = (home: Home): string => join(home.locks, 'supervisor.lock');

/** Held by a verb while it starts or stops the stack. */
export const changeLock = (home: Home): string => join(home.locks, 'change.lock');

/** The living process that holds the lock, or null. */
export function lockHolder(path: string): ProcessIdentity | null {
  const holder = read(path);
  return holder !== null && isAlive(holder) ? holder : null;
}

/** Takes the lock, or returns null when a living process holds it. A dead holder's lock is taken over. */
export function tryLock(path: string): Lock | null {
  const me = identify(process.pid);
  if (me === null) throw new Error(`no entry for process ${process.pid}`);
  for (;;) {
    if (create(path, me)) return { release: () => release(path, me) };
    if (lockHolder(path) !== null) return null;
    removeStale(path);
  }
}

/**
 * Takes the lock, waiting for its holder.
 * @throws RetryableError `stack.locked` when it is still held after `timeoutMs`
 */
export async function waitForLock(
  path: string,
  timeoutMs: number,
  onWait?: (holder: ProcessIdentity) => void,
): Promise<Lock> {
  const deadline = Date.now() + timeoutMs;
  for (let told = false; ; await sleep(50)) {
    const lock = tryLock(path);
    if (lock !== null) return lock;
    const holder = lockHolder(path);
    if (holder === null) continue;
    if (!told) onWait?.(holder);
    told = true;
    if (Date.now() > deadline) {
      throw new RetryableError(
        'stack.locked',
        `Process ${holder.pid} still holds ${path} after ${timeoutMs / 1000} s`,
        {
          fix: `see what process ${holder.pid} does; if it hangs, end it and try again`,
          fields: { path, pid: holder.pid },
        },
      );
    }
  }
}

/** Appears with its content at once: a reader never sees an empty lock. */
function create(path: string, me: ProcessIdentity): boolean {
  const draft = partialName(path);
  writeFileSync(draft, JSON.stringify(me));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Only under the guard may somebody else's lock be removed, and only after reading it again. */
function removeStale(path: string): void {
  const guard = `${path}.guard`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Held for microseconds; an old one belonged to a process that was killed meanwhile.
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 5000) rmSync(guard, { recursive: true, force: true });
    return;
  }
  try {
    if (lockHolder(path) === null) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

function release(path: string, me: ProcessIdentity): void {
  const holder = read(path);
  if (holder?.pid === me.pid && holder.startedAt === me.startedAt) rmSync(path, { force: true });
}

function read(path: string): ProcessIdentity | null {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
