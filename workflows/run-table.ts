import { CancellationScope, condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunRecord, RunStatus, StageRow } from '../artifacts/runs.js';
import type { StageName, StageRef } from '../activities/contract.js';
import { control } from './activities.js';
import {
  retryUpdate,
  runQuery,
  type PhaseResult,
  type PipelineInput,
  type ShardFailure,
} from './contract.js';
import { codeOf, reasonOf } from './shards.js';

/** Codes that say that what an earlier stage stored is gone or damaged; noted in the store, so that the stage runs again. */
const damageCodes: readonly string[] = [
  'store.blob-missing',
  'store.blob-corrupt',
  'store.manifest-missing',
  'store.manifest-corrupt',
];
/** So often a run goes back to its first stage by itself; a disk that damages more than that wants a person. */
const maxRepairs = 3;

/** Thrown by a stage whose inputs are damaged: not it, but what made them has to run again. */
class DamagedInput extends Error {}

/** Shards that failed; the code is that of the first whose inputs are damaged, if any. */
class PhaseFailure extends Error {
  readonly code: string;

  constructor(failures: readonly ShardFailure[]) {
    super(failureReason(failures));
    this.code = (failures.find(({ code }) => damageCodes.includes(code)) ?? failures[0]!).code;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Row = Mutable<StageRow>;

/** How a branch of the run goes through its stages: everything it does shows in its rows of the table. */
export interface Branch {
  /** Begins the ids of the branch's child workflows. */
  readonly idPrefix: string;
  /** One stage: runs `work`, parks on failure until a retry, and keeps the table. */
  stage(name: StageName, work: () => Promise<StageRef>): Promise<StageRef>;
  /** A sharded phase of several stages; failed shards park the run with their reasons. */
  phase<N extends StageName>(
    names: readonly N[],
    work: () => Promise<PhaseResult>,
  ): Promise<Record<N, StageRef>>;
}

/**
 * The stage table of a run: what the `run` query answers and what lies in the store after every change. A stage that
 * keeps failing parks the run here until somebody asks for a retry.
 */
export class RunTable {
  readonly #rows: Row[];
  /** What the store does not know yet; null before it was given anything. */
  #unrecorded: Set<Row> | null = null;
  #status: RunStatus = 'running';
  #problem: string | null = null;
  #parked: string | null = null;
  #repairs = 0;
  readonly #startedAt = workflowInfo().startTime.toISOString();

  constructor(
    private readonly input: PipelineInput,
    rows: readonly { readonly variant: string | null; readonly name: StageName }[],
  ) {
    this.#rows = rows.map(({ variant, name }) => ({
      variant,
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
      reruns: this.input.reruns ?? {},
      stages: this.#rows,
    };
  }

  /** The rows of one branch: of a variant, or of the run itself. */
  branch(variant: string | null): Branch {
    const row = (name: StageName): Row => this.#rows.find((r) => r.variant === variant && r.name === name)!;
    const { workflowId } = workflowInfo();
    return {
      idPrefix: variant === null ? workflowId : `${workflowId}/${variant}`,
      stage: async (name, work) => {
        const refs = await this.#attend([row(name)], async () => ({ [name]: await work() }));
        return refs[name]!;
      },
      phase: async <N extends StageName>(names: readonly N[], work: () => Promise<PhaseResult>) => {
        const refs = await this.#attend(names.map(row), async () => {
          const result = await work();
          if (result.ok) return result.stages;
          throw new PhaseFailure(result.failures);
        });
        return refs as Record<N, StageRef>;
      },
    };
  }

  /**
   * Runs the graph; when a stage finds its inputs damaged, again from the first stage: all that is whole is reused, and
   * what is not runs again. Parks instead after {@link maxRepairs} times.
   */
  async repairing(graph: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await graph();
      } catch (error) {
        if (!(error instanceof DamagedInput)) throw error;
      }
    }
  }

  async finish(status: Exclude<RunStatus, 'running' | 'awaiting'>, problem: string | null): Promise<void> {
    this.#status = status;
    this.#problem = problem;
    for (const row of this.#rows) {
      if (row.status === 'running' || row.status === 'awaiting')
        row.status = status === 'cancelled' ? 'cancelled' : 'failed';
    }
    await control.recordRun({ record: this.record(), rows: 'all' });
  }

  #change(row: Row, to: Partial<StageRow>): void {
    Object.assign(row, to);
    this.#unrecorded?.add(row);
  }

  /** After the first time only what changed: a history would grow with the square of the variants otherwise. */
  async #record(): Promise<void> {
    const changed = this.#unrecorded;
    const record = changed === null ? this.record() : { ...this.record(), stages: [...changed] };
    await control.recordRun({ record, rows: changed === null ? 'all' : 'changed' });
    this.#unrecorded = new Set();
  }

  async #attend(
    rows: readonly Row[],
    work: () => Promise<Readonly<Record<string, StageRef>>>,
  ): Promise<Readonly<Record<string, StageRef>>> {
    for (;;) {
      this.#status = 'running';
      this.#problem = null;
      for (const row of rows) this.#change(row, { status: 'running', reason: null });
      await this.#record();
      try {
        const refs = await work();
        for (const row of rows) {
          const ref = refs[row.name]!;
          // Passed again on the way to a repair, a stage still is what this run made of it.
          const again = ref.outcome === 'reused' && row.key === ref.key && row.outcome !== null;
          this.#change(row, {
            status: 'done',
            key: ref.key,
            manifest: ref.manifest,
            outputs: ref.outputs,
            ...(again ? {} : { outcome: ref.outcome, seconds: ref.seconds, attempts: ref.attempts }),
          });
        }
        return refs;
      } catch (error) {
        if (isCancellation(error)) throw error;
        const code = error instanceof PhaseFailure ? error.code : codeOf(error);
        if (damageCodes.includes(code) && this.#repairs++ < maxRepairs)
          throw new DamagedInput(reasonOf(error));
        await this.#park(rows, reasonOf(error));
        this.#repairs = 0;
      }
    }
  }

  async #park(rows: readonly Row[], reason: string): Promise<void> {
    this.#status = 'awaiting';
    this.#problem = reason;
    this.#parked = rows[0]!.name;
    for (const row of rows) this.#change(row, { status: 'awaiting', reason });
    // A store that is full cannot take the record of that either: it must not keep the run from being woken.
    const recording = new CancellationScope();
    const recorded = recording.run(() => this.#record()).catch(() => undefined);
    await condition(() => this.#parked === null);
    recording.cancel();
    await recorded;
    this.#status = 'running';
    this.#problem = null;
  }
}

function failureReason(failures: readonly ShardFailure[]): string {
  const shown = failures.slice(0, 5).map((f) => `${f.stage}, shard ${f.shard}: ${f.reason}`);
  const more = failures.length > 5 ? [`and ${failures.length - 5} more shards`] : [];
  return [...shown, ...more].join('\n');
}
