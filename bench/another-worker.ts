import { spawn, type ChildProcess } from 'node:child_process';
import { embeddedEnvironment } from '../stack/environment.js';
import type { Home } from '../stack/home.js';
import { workerCommand } from '../stack/workers.js';
import type { WorkerKind } from '../workers/main.js';

/**
 * Starts a worker beside those of a home's supervisor, as another machine of a cluster would. It leads a process group of
 * its own.
 *
 * @param gpu which GPU is its own; on a machine without any, it names the lock that one trainer holds at a time
 */
export function startAnotherWorker(home: Home, kind: WorkerKind, gpu = 1): ChildProcess {
  const { command, args, env } = workerCommand(kind);
  return spawn(command, args, {
    env: { ...embeddedEnvironment(home), ...env, TMPDIR: home.temporary, CUDA_VISIBLE_DEVICES: String(gpu) },
    detached: true,
    stdio: 'ignore',
  });
}
