import { endGroup, identify, type ProcessIdentity } from '../../stack/process-identity.js';
import type { Home } from '../../stack/home.js';
import { Watchdog } from '../../stack/watchdog.js';
import { startAnotherWorker } from '../another-worker.js';

/** What a worker may take to save the state of its training. */
const graceMs = 20_000;

/**
 * Runs `work` with gpu workers beside the one of the stack, each with a trainer of its own. They end with it, and with this
 * process if it is killed.
 */
export async function withTrainers<T>(home: Home, count: number, work: () => Promise<T>): Promise<T> {
  const watchdog = new Watchdog();
  const workers = Array.from({ length: count }, (_, index) =>
    startAnotherWorker(home, 'gpu', index + 1),
  ).flatMap<ProcessIdentity>(({ pid }) => (pid === undefined ? [] : (identify(pid) ?? [])));
  watchdog.guard(workers);
  try {
    return await work();
  } finally {
    await Promise.all(workers.map((worker) => endGroup(worker, graceMs)));
    watchdog.close();
  }
}
