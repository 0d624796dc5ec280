import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { HeartbeatDetails, StageProgress } from '../../activities/contract.js';
import type { TrainingWarning } from '../../training/job.js';
import { failureMessage, readPayload } from '../payloads.js';
import { duration } from '../render/duration.js';
import type { RunProblem } from '../run-api.js';
import { diskProblem } from './disk-problem.js';

type Raw = WorkflowExecutionDescription['raw'];
type PendingActivity = NonNullable<Raw['pendingActivities']>[number];
type Timestamp = NonNullable<PendingActivity['scheduledTime']>;

/** PENDING_ACTIVITY_STATE_SCHEDULED of the service's protocol. */
const scheduled = 1;
/** Between being scheduled and being taken up there is always a moment. */
const graceMs = 3000;
/** A workflow task may fail once in passing, when a worker dies under it. */
const tasksInPassing = 2;

/** What the pending work of an execution tells. */
export interface Pending {
  /** By stage. */
  readonly progress: ReadonlyMap<string, StageProgress>;
  readonly problems: readonly RunProblem[];
  /** Queues with work that has waited for a while, and the stage that waits. */
  readonly waiting: ReadonlyMap<string, string>;
  /** Queues whose work somebody has taken up. */
  readonly served: ReadonlySet<string>;
}

/** Queues on which an execution's work has been taken up. */
export function servedQueues({ pendingActivities }: Raw): ReadonlySet<string> {
  const taken = (pendingActivities ?? []).filter((activity) => !isWaiting(activity));
  return new Set(taken.map(queueOf).filter((queue) => queue !== null));
}

/**
 * Reads an execution's pending activities and its pending workflow task. `now` is in milliseconds since 1970.
 * @throws TerminalError `payload.key-unknown`, `payload.not-authentic`
 */
export async function readPending(raw: Raw, now: number, client: Client): Promise<Pending> {
  const progress = new Map<string, StageProgress>();
  const waiting = new Map<string, string>();
  const problems: RunProblem[] = taskProblem(raw);
  const activities = raw.pendingActivities ?? [];
  for (const activity of activities) {
    const stage = stageOf(activity);
    const queue = queueOf(activity);
    const since = millis(activity.nextAttemptScheduleTime ?? activity.scheduledTime);
    if (queue !== null && isWaiting(activity) && now - since > graceMs) waiting.set(queue, stage);
    const said = await heartbeatOf(activity, client);
    if (said === null) continue;
    if (said.progress != null) progress.set(stage, said.progress);
    if (said.quiet != null) problems.push(quietProblem(stage, said.quiet));
    if (said.lowDisk != null) problems.push(diskProblem(said.lowDisk, said.lowDisk.host));
    problems.push(...(said.warnings ?? []).map((warning) => trainingProblem(stage, warning)));
  }
  problems.push(...(await retries(activities, now, client)));
  return { progress, problems, waiting, served: servedQueues(raw) };
}

/** Nobody has taken it up. */
function isWaiting({ state }: PendingActivity): boolean {
  return Number(state) === scheduled;
}

function stageOf(activity: PendingActivity): string {
  return activity.activityType?.name ?? '?';
}

/** Null from servers before 1.27, which do not say on which queue an activity is: what waits there is not named. */
function queueOf({ activityOptions }: PendingActivity): string | null {
  return activityOptions?.taskQueue?.name ?? null;
}

/** The last heartbeat's details; partial, since a worker elsewhere may be of another build. */
async function heartbeatOf(
  { heartbeatDetails }: PendingActivity,
  client: Client,
): Promise<Partial<HeartbeatDetails> | null> {
  const payload = heartbeatDetails?.payloads?.[0];
  return payload == null ? null : readPayload<Partial<HeartbeatDetails> | null>(client, payload);
}

/** Of each stage the activity that was tried most often: shards of a stage tend to fail together. */
async function retries(
  activities: readonly PendingActivity[],
  now: number,
  client: Client,
): Promise<RunProblem[]> {
  const byStage = new Map<string, PendingActivity[]>();
  for (const activity of activities) {
    if ((activity.attempt ?? 1) < 2 || activity.lastFailure == null) continue;
    const stage = stageOf(activity);
    byStage.set(stage, [...(byStage.get(stage) ?? []), activity]);
  }
  const named = [...byStage].map(async ([stage, failing]): Promise<RunProblem> => {
    const worst = failing.reduce((a, b) => ((b.attempt ?? 1) > (a.attempt ?? 1) ? b : a));
    const seconds = (millis(worst.nextAttemptScheduleTime ?? worst.scheduledTime) - now) / 1000;
    const next = !isWaiting(worst)
      ? ' is at work'
      : seconds > 0
        ? `, next try in ${Math.ceil(seconds)} s`
        : ' waits for a worker';
    const others = failing.length > 1 ? ` (and ${failing.length - 1} more shards)` : '';
    return {
      kind: 'activity-retrying',
      subject: stage,
      message:
        `attempt ${worst.attempt} of ${stage}${others}${next}; ` +
        `the last one ended: ${await failureMessage(client, worst.lastFailure!)}`,
      fix: null,
    };
  });
  return Promise.all(named);
}

function taskProblem({ pendingWorkflowTask: task }: Raw): RunProblem[] {
  if (task == null || (task.attempt ?? 1) <= tasksInPassing) return [];
  return [
    {
      kind: 'workflow-task-failing',
      subject: 'orchestrate',
      message: `the workflow's own code fails, attempt ${task.attempt}`,
      fix: 'the log of the orchestrate worker has the stack; `hindsight resume` starts it afresh',
    },
  ];
}

function quietProblem(
  stage: string,
  { seconds, usualSeconds, limitSeconds }: NonNullable<HeartbeatDetails['quiet']>,
): RunProblem {
  const usual = usualSeconds === null ? '' : `, usually ${duration(usualSeconds)} a step`;
  return {
    kind: 'no-progress',
    subject: stage,
    message: `${stage}: no progress for ${duration(seconds)}${usual}; after ${duration(limitSeconds)} it is ended and tried again`,
    fix: null,
  };
}

/** A warning stays true after the curve came back: it says at which step it was. */
function trainingProblem(stage: string, { phase, step, text }: TrainingWarning): RunProblem {
  const where = phase === stage ? '' : `${phase}: `;
  return {
    kind: 'training-warning',
    subject: stage,
    message: `${stage}: ${where}${text} (step ${step})`,
    fix: null,
  };
}

function millis(time: Timestamp | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + Number(time?.nanos ?? 0) / 1e6;
}
