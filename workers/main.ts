/** `node dist/workers/main.js orchestrate|media|llm|gpu`: one worker process. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import type { Queue } from '../activities/contract.js';
import { Trainer } from '../activities/trainer.js';
import { ArtifactStore } from '../artifacts/artifact-store.js';
import { describeError, TerminalError } from '../core/errors.js';
import { connectionFailure } from '../stack/connection-failure.js';
import { loadEndpoints } from '../stack/endpoints.js';
import { homePaths } from '../stack/home.js';
import { payloadConverter } from '../stack/payload-encryption/data-converter.js';
import { redactFailures } from './redact-failures.js';
import { stallFloorMs } from './stall-floor.js';
import { trainerEnvironment } from './trainer-environment.js';
import { bundlePath } from './workflow-bundle.js';

export const workerKinds = ['orchestrate', 'media', 'llm', 'gpu'] as const;
export type WorkerKind = (typeof workerKinds)[number];

/** Activities at once: lookups are light, media work is bound by cores, a GPU does one thing. */
const concurrency: Record<Queue, number> = { control: 20, media: availableParallelism(), llm: 16, gpu: 1 };

/** Runs the workers of one process until it is told to stop; SIGTERM finishes or hands back what is in flight. */
export async function runWorker(kind: WorkerKind): Promise<void> {
  const dataConverter = payloadConverter();
  const endpoints = await loadEndpoints();
  Runtime.install({ shutdownSignals: ['SIGTERM', 'SIGINT'] });
  const connection = await NativeConnection.connect(endpoints.temporal.connection).catch(
    async (error: unknown) => {
      throw await connectionFailure(endpoints, error);
    },
  );
  const { cacheDir } = homePaths();
  const store = new ArtifactStore(endpoints.store, join(cacheDir, 'blobs'));
  const trainer = kind === 'gpu' ? new Trainer(trainerEnvironment(), stallFloorMs()) : null;
  const activities = createActivities({ store, cacheDir, trainer });

  const common = {
    connection,
    namespace: endpoints.temporal.namespace,
    dataConverter,
    interceptors: { activity: [redactFailures] },
    // The last details are sent at least this often, so that progress is fresh and a kill costs little.
    maxHeartbeatThrottleInterval: '2s',
    defaultHeartbeatThrottleInterval: '2s',
    shutdownForceTime: '20s',
  } satisfies Partial<WorkerOptions>;
  const activityWorker = (queue: Queue): Promise<Worker> =>
    Worker.create({
      ...common,
      taskQueue: queue,
      activities,
      maxConcurrentActivityTaskExecutions: concurrency[queue],
    });

  const workers =
    kind === 'orchestrate'
      ? [
          await Worker.create({
            ...common,
            taskQueue: 'orchestrate',
            workflowBundle: { codePath: bundlePath() },
            maxCachedWorkflows: 50,
            // After a kill the next workflow task waits this long for the dead worker's cache.
            stickyQueueScheduleToStartTimeout: '2s',
          }),
          await activityWorker('control'),
        ]
      : [await activityWorker(kind)];
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    trainer?.close();
    store.close();
    await connection.close();
  }
}

function isWorkerKind(text: string | undefined): text is WorkerKind {
  return (workerKinds as readonly (string | undefined)[]).includes(text);
}

const [, script, kind] = process.argv;
if (script?.endsWith('/workers/main.js') === true) {
  try {
    if (!isWorkerKind(kind)) {
      throw new TerminalError('worker.unknown-queue', `there is no worker ${kind ?? '(none given)'}`, {
        fix: `one of ${workerKinds.join(', ')}`,
      });
    }
    await runWorker(kind);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
