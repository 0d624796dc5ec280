import { condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunRecord, RunStatus, StageRow } from '../artifacts/runs.js';
import type { StageName, StageRef } from '../activities/contract.js';
import { control } from './activities.js';
import { retryUpdate, runQuery, type PhaseResult, type PipelineInput } from './contract.js';
import { reasonOf } from './shards.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The stage table of a run: what the `run` query answers and what lies in the store after every change. A stage that
 * keeps failing parks the run here until somebody asks for a retry.
 */
export class RunTable {
  readonly #rows: Mutable<StageRow>[];
  #status: RunStatus = 'running';
  #problem: string | null = null;
  #parked: string | null = null;
  readonly #startedAt = workflowInfo().startTime.toISOString();

  constructor(
    private readonly input: PipelineInput,
    stages: readonly StageName[],
  ) {
    this.#rows = stages.map((name) => ({
      name,
      status: 'waiting',
      outcome: null,
      key: null,
      manifest: null,
      outputs: {},
      seconds: null,
      attempts: 0,
      reason: null,
    }));
    setHandler(runQuery, () => this.record());
    setHandler(
      retryUpdate,
      () => {
        const stage = this.#parked!;
        this.#parked = null;
        return stage;
      },
      {
        validator: () => {
          if (this.#parked === null)
            throw new Error(`run ${input.runId} is ${this.#status}, not awaiting: nothing to retry`);
        },
      },
    );
  }

  record(): RunRecord {
    return {
      runId: this.input.runId,
      name: this.input.name,
      status: this.#status,
      problem: this.#problem,
      config: this.input.config,
      code: this.input.code,
      startedAt: this.#startedAt,
      updatedAt: new Date().toISOString(),
      stages: this.#rows,
    };
  }

  /** One stage: runs `work`, parks on failure until a retry, and keeps the table. */
  async stage(name: StageName, work: () => Promise<StageRef>): Promise<StageRef> {
    return (
      await this.#attend([name], async () => ({ [name]: await work() }) as Record<StageName, StageRef>)
    )[name];
  }

  /** A sharded phase of several stages; failed shards park the run with their reasons. */
  async phase<N extends StageName>(
    names: readonly N[],
    work: () => Promise<PhaseResult>,
  ): Promise<Record<N, StageRef>> {
    return this.#attend(names, async () => {
      const result = await work();
      if (result.ok) return result.stages as Record<N, StageRef>;
      const shown = result.failures.slice(0, 5).map((f) => `${f.stage}, shard ${f.shard}: ${f.reason}`);
      const more = result.failures.length > 5 ? [`and ${result.failures.length - 5} more shards`] : [];
      throw new Error([...shown, ...more].join('\n'));
    });
  }

  /** Parks unless `holds()`; the reason is shown until the run goes on. */
  async require(name: StageName, holds: () => boolean, reason: string): Promise<void> {
    while (!holds()) await this.#park([name], reason);
  }

  async finish(status: Exclude<RunStatus, 'running' | 'awaiting'>, problem: string | null): Promise<void> {
    this.#status = status;
    this.#problem = problem;
    for (const row of this.#rows) {
      if (row.status === 'running' || row.status === 'awaiting')
        row.status = status === 'cancelled' ? 'cancelled' : 'failed';
    }
    await control.recordRun(this.record());
  }

  async #attend<N extends StageName>(
    names: readonly N[],
    work: () => Promise<Record<N, StageRef>>,
  ): Promise<Record<N, StageRef>> {
    for (;;) {
      this.#status = 'running';
      this.#problem = null;
      for (const row of this.#of(names)) Object.assign(row, { status: 'running', reason: null });
      await control.recordRun(this.record());
      try {
        const refs = await work();
        for (const row of this.#of(names)) {
          const ref = refs[row.name as N];
          Object.assign(row, {
            status: 'done',
            outcome: ref.outcome,
            key: ref.key,
            manifest: ref.manifest,
            outputs: ref.outputs,
            seconds: ref.seconds,
            attempts: ref.attempts,
          } satisfies Partial<StageRow>);
        }
        return refs;
      } catch (error) {
        if (isCancellation(error)) throw error;
        await this.#park(names, reasonOf(error));
      }
    }
  }

  async #park(names: readonly StageName[], reason: string): Promise<void> {
    this.#status = 'awaiting';
    this.#problem = reason;
    this.#parked = names[0]!;
    for (const row of this.#of(names)) Object.assign(row, { status: 'awaiting', reason });
    await control.recordRun(this.record());
    await condition(() => this.#parked === null);
    this.#status = 'running';
    this.#problem = null;
  }

  #of(names: readonly StageName[]): Mutable<StageRow>[] {
    return this.#rows.filter((row) => (names as readonly string[]).includes(row.name));
  }
}
