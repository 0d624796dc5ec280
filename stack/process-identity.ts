import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Names one process for good: process ids are reused, the pair with the start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; comes from the kernel. */
  readonly startedAt: string;
}

/** The identity of a living process, or null; a process that has ended but was not reaped counts as gone. */
export function identify(pid: number): ProcessIdentity | null {
  return process.platform === 'linux' ? identifyByProc(pid) : identifyByPs(pid);
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends a signal if the process still is the one meant. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (isAlive(identity)) send(identity.pid, name);
}

/**
 * Ends a process that leads its own group, and what is left of the group: SIGTERM to the leader, SIGKILL to all that
 * still live after `graceMs`.
 */
export async function endGroup(leader: ProcessIdentity, graceMs: number): Promise<void> {
  signal(leader, 'SIGTERM');
  await waitForEnd(leader, graceMs);
  killGroup(leader.pid);
  await waitForEnd(leader, 5000);
}

/** Ends at once what is left of a group, whose leader may be gone. */
export function killGroup(leader: number): void {
  send(-leader, 'SIGKILL');
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Waits until the process is gone; false if it is still there after `timeoutMs`. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}

function identifyByProc(pid: number): ProcessIdentity | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The name in parentheses may hold anything; the fields after it are state (3) to start time (22).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' || startTime === undefined ? null : { pid, startedAt: startTime };
}

function identifyByPs(pid: number): ProcessIdentity | null {
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    })
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith('Z') ? null : { pid, startedAt: start.join(' ') };
  } catch {
    return null;
  }
}
