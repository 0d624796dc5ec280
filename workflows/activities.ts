import { proxyActivities } from '@temporalio/workflow';
import type { ActivityInterface } from '../activities/index.js';

type StageActivities = ActivityInterface;

/** Tries: at once, then 1 s, 2 s, 4 s ... 60 s apart. Attempts are not counted, since preemptions use them up. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '60s' } as const;

/** Lookups and records: short, and never behind work, so that reuse needs no GPU. */
export const control = proxyActivities<StageActivities>({
  taskQueue: 'control',
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '30s',
  retry,
});

/** ffmpeg, the embedded teacher, metrics and reports: on a CPU. */
export const media = proxyActivities<StageActivities>({
  taskQueue: 'media',
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '2 days',
  heartbeatTimeout: '10s',
  retry,
});

/** Training: one activity at a time on a GPU, for as long as it takes. A cancelled one counts as such once it has saved. */
export const training = proxyActivities<StageActivities>({
  taskQueue: 'gpu',
  startToCloseTimeout: '14 days',
  scheduleToCloseTimeout: '30 days',
  heartbeatTimeout: '10s',
  retry,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  priority: { priorityKey: 3 },
});

/** Answers of a checkpoint: on a GPU, before any training that waits beside them. */
export const answering = proxyActivities<StageActivities>({
  taskQueue: 'gpu',
  startToCloseTimeout: '12 hours',
  scheduleToCloseTimeout: '7 days',
  heartbeatTimeout: '10s',
  retry,
  priority: { priorityKey: 1 },
});
