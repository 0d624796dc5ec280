import { createHome, homePaths, type Home } from './home.js';
import { changeLock, lockHolder, supervisorLock, waitForLock } from './lock.js';
import { endGroup, signal, waitForEnd } from './process-identity.js';
import { readState, survivors } from './state.js';

/** Workers get 10 s and servers 5 s from the supervisor; then it is itself ended. */
const supervisorGraceMs = 25_000;
const changeLimitMs = 120_000;

export interface DownOptions {
  readonly home?: Home;
  /** Gets a line before each wait. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Stops the embedded stack of a home and leaves no process of it; data, ports and credentials stay.
 * @returns whether anything was running
 */
export async function bringDown({ home = homePaths(), onProgress }: DownOptions = {}): Promise<boolean> {
  createHome(home);
  const lock = await waitForLock(changeLock(home), changeLimitMs, (holder) =>
    onProgress?.(`waiting for process ${holder.pid}, which is starting or stopping the stack`),
  );
  try {
    return await stopStack(home, onProgress);
  } finally {
    lock.release();
  }
}

/** {@link bringDown} for a caller that holds the change lock. */
export async function stopStack(home: Home, onProgress?: (line: string) => void): Promise<boolean> {
  const supervisor = lockHolder(supervisorLock(home));
  if (supervisor !== null) {
    onProgress?.('stopping the workers, then the servers');
    signal(supervisor, 'SIGTERM');
    if (!(await waitForEnd(supervisor, supervisorGraceMs))) {
      signal(supervisor, 'SIGKILL');
      await waitForEnd(supervisor, 5000);
    }
  }
  const state = readState(home);
  const left = state === null ? [] : survivors(state);
  for (const process of left) await endGroup(process, 5000);
  return supervisor !== null || left.length > 0;
}
