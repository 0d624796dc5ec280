import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { HeartbeatDetails, Queue, StageProgress } from '../activities/contract.js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { RunRecord } from '../artifacts/runs.js';
import { HindsightError } from '../core/errors.js';
import type { TrainingWarning } from '../training/job.js';
import type { PhaseProgress } from '../workflows/contract.js';
import { metricTable } from './metric-table.js';
import { failureMessage, readPayload } from './payloads.js';
import type { RunProblem, RunSnapshot, StageSnapshot } from './run-api.js';

/** Child workflows by the stages they work on. */
const phases: Readonly<Record<string, readonly string[]>> = {
  ingest: ['ingest'],
  annotation: ['frames', 'captions', 'reasoning'],
  reflection: ['drafts', 'reflections'],
  predictions: ['predictions'],
};
/** A query or a description that takes longer says nothing new. */
const patienceMs = 3000;
/** TaskQueueType.ACTIVITY of the service's protocol. */
const activityTaskQueue = 2;
/** The queue that serves a stage's work. */
const queueOf: Readonly<Partial<Record<string, Queue>>> = {
  ingest: 'media',
  frames: 'media',
  captions: 'media',
  reasoning: 'media',
  sft: 'gpu',
  drafts: 'gpu',
  reflections: 'media',
  'reflection-sft': 'gpu',
  grpo: 'gpu',
  predictions: 'gpu',
  evaluate: 'media',
  compare: 'media',
  report: 'media',
};

interface Live {
  readonly progress: Map<string, StageProgress>;
  readonly problems: RunProblem[];
}

/**
 * A run as a person wants to see it: its record in the store, and while it runs what its workflows and activities say.
 * Temporal being away costs the live part only.
 */
export async function takeSnapshot(
  client: Client,
  store: ArtifactStore,
  record: RunRecord,
): Promise<RunSnapshot> {
  const live: Live = { progress: new Map(), problems: [] };
  let status = record.status;
  if (record.status === 'running' || record.status === 'awaiting') {
    try {
      const description = await describe(client, record.runId);
      if (description !== null) {
        // The record is written by the workflow; one that was ended from outside could not write any more.
        const ended = description.status.name;
        if (ended === 'TERMINATED' || ended === 'FAILED' || ended === 'TIMED_OUT') status = 'failed';
        else if (ended === 'CANCELLED') status = 'cancelled';
        await observe(client, record, description, live);
      }
    } catch (error) {
      if (!(error instanceof HindsightError)) throw error;
      const { message, fix = null } = error;
      live.problems.push({ kind: 'payload-unreadable', subject: 'Temporal', message, fix });
    }
  }
  const evaluation = record.stages.find((stage) => stage.name === 'evaluate' && stage.variant === null)
    ?.outputs['evaluation'];
  const report = record.stages.find((stage) => stage.name === 'report')?.outputs['report'];
  return {
    runId: record.runId,
    status,
    reason: record.problem,
    report:
      report === undefined ? null : store.objects.address(`blobs/sha256/${report.slice(0, 2)}/${report}`),
    metrics: evaluation === undefined ? {} : metricTable(await store.blobs.getText(evaluation)),
    stages: record.stages.map((stage): StageSnapshot => ({
      ...stage,
      progress: stage.status === 'running' ? (live.progress.get(stage.name) ?? null) : null,
    })),
    problems: live.problems,
  };
}

async function describe(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.withDeadline(Date.now() + patienceMs, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
  } catch (error) {
    // Payloads that this client cannot read are not Temporal being away.
    if (error instanceof HindsightError) throw error;
    return null;
  }
}

async function observe(
  client: Client,
  record: RunRecord,
  description: WorkflowExecutionDescription,
  live: Live,
): Promise<void> {
  await lookAt(client, description, live);
  const atWork = record.stages.filter((stage) => stage.status === 'running');
  const running = new Set(atWork.map((stage) => stage.name));
  // Branches follow one another: what runs belongs to one of them.
  const branch = atWork[0]?.variant ?? null;
  live.problems.push(...(await unservedQueues(client, [...running])));
  for (const [phase, stages] of Object.entries(phases)) {
    if (!stages.some((stage) => running.has(stage))) continue;
    const id = `${record.runId}/${branch === null ? '' : `${branch}/`}${phase}`;
    const child = await describe(client, id);
    if (child === null || child.status.name !== 'RUNNING') continue;
    const counted = await client
      .withDeadline(Date.now() + patienceMs, () =>
        client.workflow.getHandle(id).query<PhaseProgress>('progress'),
      )
      .catch((): PhaseProgress => ({}));
    for (const [stage, { done, total }] of Object.entries(counted)) {
      live.progress.set(stage, { phase: 'shards', step: done, steps: total, metrics: {} });
    }
    await lookAt(client, child, live, false);
  }
}

/** What the pending activities and the pending workflow task of an execution tell. */
async function lookAt(
  client: Client,
  { raw }: WorkflowExecutionDescription,
  live: Live,
  withProgress = true,
): Promise<void> {
  for (const activity of raw.pendingActivities ?? []) {
    const stage = activity.activityType?.name ?? '?';
    const payload = activity.heartbeatDetails?.payloads?.[0];
    if (withProgress && payload != null) {
      const details = await readPayload<HeartbeatDetails>(client, payload);
      if (details.progress !== null) live.progress.set(stage, details.progress);
      // A worker of an older build, elsewhere, sends none.
      const warnings = (details as Partial<HeartbeatDetails>).warnings ?? [];
      live.problems.push(...warnings.map((warning) => trainingProblem(stage, warning)));
    }
    if ((activity.attempt ?? 1) > 1 && activity.lastFailure != null) {
      const seconds = Number(activity.scheduledTime?.seconds ?? 0) - Date.now() / 1000;
      live.problems.push({
        kind: 'activity-retrying',
        subject: stage,
        message:
          `attempt ${activity.attempt} of ${stage}` +
          (seconds > 0 ? `, next try in ${Math.ceil(seconds)} s` : '') +
          `; the last one ended: ${await failureMessage(client, activity.lastFailure)}`,
        fix: null,
      });
    }
  }
  const task = raw.pendingWorkflowTask;
  if (task != null && (task.attempt ?? 1) > 2) {
    live.problems.push({
      kind: 'workflow-task-failing',
      subject: 'orchestrate',
      message: `the workflow's own code fails, attempt ${task.attempt}`,
      fix: '`hindsight logs` of the orchestrate worker has the stack; `hindsight resume` starts it afresh',
    });
  }
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

/** Queues that running stages need and that nobody asks for work. */
async function unservedQueues(client: Client, stages: readonly string[]): Promise<RunProblem[]> {
  const needed = new Set(['control', ...stages.flatMap((name) => queueOf[name] ?? [])]);
  const problems = await Promise.all(
    [...needed].map(async (queue): Promise<RunProblem[]> => {
      const described = await client
        .withDeadline(Date.now() + patienceMs, () =>
          client.workflowService.describeTaskQueue({
            namespace: client.options.namespace,
            taskQueue: { name: queue },
            taskQueueType: activityTaskQueue,
          }),
        )
        .catch(() => null);
      if (described === null || described.pollers.length > 0) return [];
      return [
        {
          kind: 'queue-without-worker',
          subject: queue,
          message: `no worker serves the queue ${queue}`,
          fix: `hindsight worker ${queue}, or \`hindsight doctor\` to see why the local one is not up`,
        },
      ];
    }),
  );
  return problems.flat();
}
