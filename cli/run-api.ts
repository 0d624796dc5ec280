import type { Reruns } from '../artifacts/rerun.js';
import type { RunStatus, StageRow } from '../artifacts/runs.js';
import type { LoadedConfig } from '../config/load.js';
import type { CheckpointStage } from '../config/evaluation.js';
import type { ModelConfig } from '../config/model.js';
import type { ResolvedRun } from '../config/schema.js';
import type { Comparison } from '../evaluation/compare.js';
import type { Estimate, EvaluationResult } from '../evaluation/result.js';

/** What a running stage says about itself: of a training, its optimizer steps; of a sharded stage, its samples. */
export interface StageProgress {
  /** e.g. `vision warm-up`, `sft`, `samples`. */
  readonly phase: string;
  readonly step: number;
  readonly steps: number;
  /** Numbers worth showing live: loss, reward, accuracy, ... */
  readonly metrics: Readonly<Record<string, number>>;
}

/** A row of the stage table, with what the stage is at now; null unless it runs. */
export type StageSnapshot = Readonly<StageRow> & { readonly progress: StageProgress | null };

/** Something that keeps a run from moving without being an error yet, or that a training warns of. */
export interface RunProblem {
  readonly kind:
    | 'temporal-unreachable'
    | 'payload-unreadable'
    | 'queue-without-worker'
    | 'workflow-task-failing'
    /** A training that has not made a step for far longer than usual. */
    | 'no-progress'
    | 'activity-retrying'
    /** Its workers are all at other runs. */
    | 'queue-busy'
    | 'disk-nearly-full'
    | 'training-warning';
  /** The stage, queue, machine or address concerned. */
  readonly subject: string;
  /** One sentence: what happens, why, and when it is tried again. */
  readonly message: string;
  /** What to do about it, where something can be done. */
  readonly fix: string | null;
}

/** Row (a checkpoint such as `grpo`, or the name of a baseline) to `<policy>.<metric>` to value with interval. */
export type MetricTable = Readonly<Record<string, Readonly<Record<string, Estimate>>>>;

/** The one object that `run`, `resume` and `show` print with `--json`. */
export interface RunSnapshot {
  readonly runId: string;
  /** `awaiting`: parked until a person decides (a stage that keeps failing, or rejects above their limit). */
  readonly status: RunStatus;
  /** Why it is `awaiting` or `failed`, with what to do; null otherwise. */
  readonly reason: string | null;
  /** S3 address of report.html; null until it is published. */
  readonly report: string | null;
  /** Empty until `evaluate` is done. */
  readonly metrics: MetricTable;
  readonly stages: readonly StageSnapshot[];
  readonly problems: readonly RunProblem[];
}

export interface RunListEntry {
  readonly runId: string;
  readonly name: string;
  readonly status: RunStatus;
  /** Why it is `awaiting` or `failed`; null otherwise. */
  readonly reason: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** As `show` has them, the worst first. */
  readonly problems: readonly RunProblem[];
}

/** What a stage would do, and why. */
export type PlannedAction =
  /** `codeChanged`: files behind the stage that changed since it was made; absent when none did, empty when unknown. */
  | { readonly action: 'reuse'; readonly codeChanged?: readonly string[] }
  /** Some of its samples are tried again, the others kept. */
  | { readonly action: 'retry'; readonly samples: number }
  | { readonly action: 'continue'; readonly step: number }
  | { readonly action: 'run' }
  /** Cannot be known before `on` has run. */
  | { readonly action: 'depends'; readonly on: string };

export interface PlannedStage {
  /** The branch it belongs to; null for the run itself. */
  readonly variant: string | null;
  readonly name: string;
  readonly key: string | null;
  readonly plan: PlannedAction;
  /** Which part of the key differs, or what is already there, in words. */
  readonly why: string;
}

export interface RunPlan {
  readonly stages: readonly PlannedStage[];
}

/**
 * Everything the verbs ask of Temporal and the store. Ids are never guessed: there is no "latest run". An unknown run
 * id rejects with the TerminalError `run.unknown`.
 */
export interface RunApi {
  /** Both endpoints in words, the first line of every run, e.g. `127.0.0.1:7233 (default)` and `s3://hindsight at ...`. */
  readonly endpoints: {
    readonly temporal: string;
    readonly store: string;
  };
  /** Starts the workflow and returns the run id (`<name>-<sortable time>-<random>` unless given). */
  start(
    loaded: LoadedConfig,
    options: { readonly runId?: string; readonly reruns?: Reruns },
  ): Promise<string>;
  /**
   * Goes on with a run that no longer runs: with `resolved`, under a changed config; `reruns` join those that the run was
   * asked for before it stopped. TerminalError `run.running` when it runs, `run.not-parked` when it just went on.
   */
  resume(
    runId: string,
    options: { readonly resolved?: ResolvedRun; readonly reruns?: Reruns },
  ): Promise<void>;
  /** The config a run was started with. */
  configOf(runId: string): Promise<ResolvedRun>;
  /** What a run that stopped was asked to make again and may not have made yet. */
  pendingReruns(runId: string): Promise<Reruns>;
  /** What a new run of this config would reuse and run. */
  plan(resolved: ResolvedRun, reruns?: Reruns): Promise<RunPlan>;
  /**
   * Calls `onUpdate` with every change (at least once) until the run no longer runs; returns the last snapshot. Ends
   * early, with the snapshot of that moment, when `signal` is aborted; the run itself goes on.
   */
  watch(
    runId: string,
    options: { readonly onUpdate: (snapshot: RunSnapshot) => void; readonly signal: AbortSignal },
  ): Promise<RunSnapshot>;
  snapshot(runId: string): Promise<RunSnapshot>;
  /** Sorted by run id. Open runs are looked at as by {@link snapshot}, but for progress. */
  list(): Promise<readonly RunListEntry[]>;
  /** Asks the run to stop; running stages save first. */
  cancel(runId: string): Promise<void>;
  /** Log lines without line ends, in order; with `follow`, until the run ends or `signal` is aborted. */
  logs(
    runId: string,
    options: { readonly stage?: string; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<string>;
  /** Downloads the report (one self-contained file) and returns its local path; null when there is none yet. */
  fetchReport(runId: string): Promise<string | null>;
  /** What the run measured of itself; null when there is nothing yet. */
  fetchEvaluation(runId: string): Promise<EvaluationResult | null>;
  /** The run beside its variants; null where it has none, or not yet. */
  fetchComparison(runId: string): Promise<Comparison | null>;
  /**
   * Downloads a checkpoint of a run, the last that is there unless one is named; gives back its local folder and the model
   * section of the run. TerminalError `run.no-checkpoint` where it is not there yet.
   */
  fetchCheckpoint(
    runId: string,
    checkpoint: CheckpointStage | null,
  ): Promise<{ readonly checkpoint: CheckpointStage; readonly folder: string; readonly model: ModelConfig }>;
  close(): Promise<void>;
}

/** Connects to the stack that is up; `cli/run-client.ts` exports this as `connectRunApi`. */
export type ConnectRunApi = () => Promise<RunApi>;
