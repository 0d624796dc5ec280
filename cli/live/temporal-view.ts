import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { RunRecord } from '../../artifacts/runs.js';
import type { PhaseProgress } from '../../workflows/contract.js';
import { readPending, type Pending } from './pending.js';

/** TaskQueueType of the service's protocol. */
const taskQueueTypes = { workflow: 1, activity: 2 } as const;
/** Workflows of ours, whose activities say which workers are at work. */
const ourWorkflows = ['pipeline', 'ingestPhase', 'annotationPhase', 'reflectionPhase', 'predictionsPhase'];
/** A worker without work asks again at least once a minute; after this long without asking it is gone. */
const pollerGoneMs = 90_000;
/** More open workflows than this are not looked through. */
const mostBusy = 200;

/** Temporal as one look sees it: everything is asked at most once, and before one deadline. */
export class TemporalView {
  readonly #pollers = new Map<string, Promise<boolean>>();
  #open: Promise<readonly WorkflowExecutionDescription[]> | null = null;

  constructor(
    private readonly client: Client,
    /** In milliseconds since 1970. */
    private readonly deadline: number,
  ) {}

  /** An execution as it is now, null where Temporal knows none. Rejects when Temporal does not answer in time. */
  async execution(workflowId: string): Promise<WorkflowExecutionDescription | null> {
    try {
      return await this.#ask(() => this.client.workflow.getHandle(workflowId).describe());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** What the pending work of an execution tells. */
  pending({ raw }: WorkflowExecutionDescription): Promise<Pending> {
    return readPending(raw, Date.now(), this.client);
  }

  /** Shards done in a phase; empty when no worker answers for it in time. */
  async shardsDone(workflowId: string): Promise<PhaseProgress> {
    return this.#ask(() => this.client.workflow.getHandle(workflowId).query<PhaseProgress>('progress')).catch(
      (): PhaseProgress => ({}),
    );
  }

  /** A run's record as its workflow has it; null when no worker answers for it in time. */
  async record(runId: string): Promise<RunRecord | null> {
    return this.#ask(() => this.client.workflow.getHandle(runId).query<RunRecord>('run')).catch(() => null);
  }

  /** The error an execution ended with. */
  async failureOf(workflowId: string, executionId: string): Promise<unknown> {
    const handle = this.client.workflow.getHandle(workflowId, executionId, { followRuns: false });
    return this.#ask(() => handle.result()).then(
      () => null,
      (error: unknown) => error,
    );
  }

  /** Whether a worker asked a queue for work of late. One with all hands full does not ask. */
  askedLately(queue: string, type: keyof typeof taskQueueTypes): Promise<boolean> {
    const id = `${type} ${queue}`;
    const known = this.#pollers.get(id);
    if (known !== undefined) return known;
    const asked = this.#pollersOf(queue, type);
    this.#pollers.set(id, asked);
    return asked;
  }

  async #pollersOf(queue: string, type: keyof typeof taskQueueTypes): Promise<boolean> {
    const { pollers } = await this.#ask(() =>
      this.client.workflowService.describeTaskQueue({
        namespace: this.client.options.namespace,
        taskQueue: { name: queue },
        taskQueueType: taskQueueTypes[type],
      }),
    );
    const since = (Date.now() - pollerGoneMs) / 1000;
    return pollers.some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) > since);
  }

  /** All open executions of this pipeline in the namespace, as far as they are looked through. */
  openExecutions(): Promise<readonly WorkflowExecutionDescription[]> {
    this.#open ??= this.#ask(async () => {
      const types = ourWorkflows.map((name) => `'${name}'`).join(', ');
      const query = `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`;
      const ids: string[] = [];
      for await (const { workflowId } of this.client.workflow.list({ query })) {
        if (ids.push(workflowId) >= mostBusy) break;
      }
      const described = await Promise.all(ids.map((id) => this.execution(id)));
      return described.filter((one) => one !== null);
    });
    return this.#open;
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(this.deadline, question);
  }
}
