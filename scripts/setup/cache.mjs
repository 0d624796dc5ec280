import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where versioned tools lie, shared by all checkouts of a user. */
export const cacheRoot = resolve(
  process.env.HINDSIGHT_CACHE ||
    (process.env.XDG_CACHE_HOME
      ? join(process.env.XDG_CACHE_HOME, 'hindsight')
      : join(homedir(), '.cache', 'hindsight')),
);

const locks = join(cacheRoot, 'locks');
const scratch = join(cacheRoot, 'tmp');

/**
 * The folder `name` of the cache, made by `fill(emptyFolder)` if it is not there. It appears whole or not at all, so
 * that a killed set-up leaves nothing half done, and only one of several set-ups does the work.
 */
export async function cached(name, note, fill) {
  const target = join(cacheRoot, name);
  if (existsSync(target)) return target;
  return withLock(name.replaceAll('/', '-'), note, async () => {
    if (existsSync(target)) return target;
    await withScratch(async (folder) => {
      await fill(folder);
      mkdirSync(join(target, '..'), { recursive: true });
      renameSync(folder, target);
    });
    return target;
  });
}

/** A folder on the cache's file system that is gone afterwards. */
export async function withScratch(body) {
  sweep();
  const folder = join(scratch, `${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(folder, { recursive: true });
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Removes this process's scratch folders at once, for an end that runs no `finally`. */
export function removeScratch() {
  if (!existsSync(scratch)) return;
  for (const name of readdirSync(scratch)) {
    if (name.startsWith(`${process.pid}-`)) rmSync(join(scratch, name), { recursive: true, force: true });
  }
}

/** What killed set-ups left behind. */
function sweep() {
  if (!existsSync(scratch)) return;
  for (const name of readdirSync(scratch)) {
    const path = join(scratch, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 24 * 3600 * 1000) rmSync(path, { recursive: true, force: true });
  }
}

/** Runs `body` while no other set-up holds the lock of this name. */
export async function withLock(name, note, body) {
  mkdirSync(locks, { recursive: true });
  const path = join(locks, `${name}.lock`);
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), token: randomBytes(8).toString('hex') });
  let told = false;
  while (!take(path, mine)) {
    const holder = readHolder(path);
    if (holder !== null && isStale(path, holder)) {
      remove(path, holder);
    } else if (holder !== null && !told) {
      told = true;
      note(`another set-up (process ${holder.pid} on ${holder.host}) is at it; waiting`);
    }
    await sleep(300);
  }
  const alive = setInterval(() => utimesSync(path, new Date(), new Date()), 5000);
  try {
    return await body();
  } finally {
    clearInterval(alive);
    if (readHolder(path)?.token === JSON.parse(mine).token) rmSync(path, { force: true });
  }
}

function take(path, content) {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes the lock of a dead holder; gives it back if another waiter had removed and retaken it in between. */
function remove(path, holder) {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
    if (readHolder(aside)?.token !== holder.token) linkSync(aside, path);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

function readHolder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function isStale(path, holder) {
  if (holder.host === hostname()) {
    try {
      process.kill(holder.pid, 0);
    } catch (error) {
      return error.code === 'ESRCH';
    }
  }
  // Another machine or container: the holder touches its lock every five seconds.
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return age > 60_000;
}
