import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Queue } from '../../activities/contract.js';
import type { ActivityInterface } from '../../activities/index.js';
import { bundlePath } from '../../workers/workflow-bundle.js';

/** A new namespace is not known to every part of the server at once. */
const patienceMs = 20_000;
const activityQueues: readonly Queue[] = ['control', 'media', 'gpu'];

/** Workers of this process on a namespace of their own, so that those of the stack take none of the work. */
export interface OwnNamespace {
  readonly client: Client;
  /** Stops the workers once they are through with what is in flight, and closes the connections. */
  close(): Promise<void>;
}

/**
 * The real workflows with any activities, on the Temporal server at `address`.
 *
 * @param concurrency activities at once, per queue
 */
export async function openNamespace(
  address: string,
  namespace: string,
  activities: ActivityInterface,
  concurrency: number,
): Promise<OwnNamespace> {
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const native = await NativeConnection.connect({ address });
  const common = { connection: native, namespace };
  const workers = [
    await createSoon({ ...common, taskQueue: 'orchestrate', workflowBundle: { codePath: bundlePath() } }),
    ...(await Promise.all(
      activityQueues.map((taskQueue) =>
        createSoon({
          ...common,
          taskQueue,
          activities,
          maxConcurrentActivityTaskExecutions: concurrency,
        }),
      ),
    )),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    client: new Client({ connection, namespace }),
    close: async () => {
      for (const worker of workers) worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}

async function createSoon(options: WorkerOptions): Promise<Worker> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(200)) {
    try {
      return await Worker.create(options);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
