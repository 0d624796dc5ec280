import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createHome, homePaths } from '../../stack/home.js';
import { embeddedEnvironment } from '../../stack/environment.js';
import type { Endpoints } from '../../stack/endpoints.js';
import { workerCommands, type workerProcesses } from '../../stack/workers.js';
import { countingProxy, type Counted, type CountingProxy } from './counting-proxy.js';
import type { OwnStack } from './own-stack.js';

type WorkerName = (typeof workerProcesses)[number];

/** Workers of a stack, each with a counting proxy between it and the S3 gateway. */
export interface ProxiedWorkers {
  /** Bytes of each worker so far. */
  counted(): Readonly<Record<WorkerName, Counted>>;
  /** Ends the workers, then the proxies. */
  close(): Promise<void>;
}

/**
 * Starts one worker of every kind as on another machine: in remote mode, with a home and caches of its own. The stack
 * itself has none.
 */
export async function startProxiedWorkers({ home, endpoints }: OwnStack): Promise<ProxiedWorkers> {
  const proxies = new Map<WorkerName, CountingProxy>();
  const workers: ChildProcess[] = [];
  const gateway = Number(new URL(endpoints.store.endpoint!).port);
  for (const { name, command, args } of workerCommands()) {
    const proxy = await countingProxy(gateway);
    proxies.set(name as WorkerName, proxy);
    const own = homePaths(join(home, `machine-of-${name}`));
    createHome(own);
    await mkdir(own.temporary, { recursive: true });
    const env = { ...embeddedEnvironment(own), ...remote(endpoints, proxy.port), TMPDIR: own.temporary };
    workers.push(spawn(command, args, { env, stdio: 'ignore' }));
  }
  return {
    counted: () =>
      Object.fromEntries([...proxies].map(([name, proxy]) => [name, proxy.counted()])) as Record<
        WorkerName,
        Counted
      >,
    close: async () => {
      await Promise.all(workers.map(ended));
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    },
  };
}

/** The variables of remote mode, with the store behind a local port. */
function remote({ temporal, store }: Endpoints, port: number): Record<string, string> {
  return {
    HINDSIGHT_STACK: 'remote',
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    HINDSIGHT_BUCKET: store.bucket,
    HINDSIGHT_S3_ENDPOINT: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: store.accessKeyId!,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey!,
  };
}

async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  worker.kill('SIGTERM');
  await once(worker, 'exit');
}
