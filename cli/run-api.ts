import type { LoadedConfig } from '../config/load.js';
import type { ResolvedConfig } from '../config/schema.js';

/** `awaiting`: parked until a person decides (a stage that keeps failing, or rejects above their limit). */
export const runStatuses = ['running', 'awaiting', 'done', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

export type StageStatus = 'waiting' | 'running' | 'awaiting' | 'done' | 'failed' | 'cancelled';

/** How a finished stage came by its outputs: computed here, found in the store, or completed from a checkpoint or shards. */
export type StageOutcome = 'ran' | 'reused' | 'continued';

/** What a running stage says about itself: of a training, its optimizer steps; of a sharded stage, its samples. */
export interface StageProgress {
  /** e.g. `vision warm-up`, `sft`, `samples`. */
  readonly phase: string;
  readonly step: number;
  readonly steps: number;
  /** Numbers worth showing live: loss, reward, accuracy, ... */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface StageSnapshot {
  /** In pipeline order; a stage that runs once per checkpoint carries it in its name, e.g. `predictions sft`. */
  readonly name: string;
  readonly status: StageStatus;
  /** null until the stage is done. */
  readonly outcome: StageOutcome | null;
  /** null until the inputs of the stage are known. */
  readonly key: string | null;
  /** S3 address of the manifest, `s3://bucket/stages/<stage>/<key>.json`; null until it is published. */
  readonly manifest: string | null;
  /** Output name to blob digest. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Wall-clock seconds so far; null before the start. */
  readonly seconds: number | null;
  readonly attempts: number;
  /** Only while the stage runs. */
  readonly progress: StageProgress | null;
  /** Why it failed or waits for a person, with what to do; null otherwise. */
  readonly reason: string | null;
}

/** Something that keeps a run from moving without being an error yet. */
export interface RunProblem {
  readonly kind: 'queue-without-worker' | 'activity-retrying' | 'workflow-task-failing';
  /** The stage or queue concerned. */
  readonly subject: string;
  /** One sentence: what happens, why, and when it is tried again. */
  readonly message: string;
  /** What to do about it, where something can be done. */
  readonly fix: string | null;
}

/** A measured number with its bootstrap interval; the bounds are null where none was computed. */
export interface MetricValue {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Row (a checkpoint such as `grpo`, or `baseline: always Abnormal`) to metric name to value. */
export type MetricTable = Readonly<Record<string, Readonly<Record<string, MetricValue>>>>;

/** The one object that `run`, `resume` and `show` print with `--json`. */
export interface RunSnapshot {
  readonly runId: string;
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
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

/** What a stage would do, and why. */
export type PlannedAction =
  | { readonly action: 'reuse' }
  | { readonly action: 'continue'; readonly step: number }
  | { readonly action: 'run' }
  /** Cannot be known before `on` has run. */
  | { readonly action: 'depends'; readonly on: string };

export interface PlannedStage {
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
  readonly endpoints: { readonly temporal: string; readonly store: string };
  /** Starts the workflow and returns the run id (`<name>-<sortable time>-<random>` unless given). */
  start(loaded: LoadedConfig, options: { readonly runId?: string }): Promise<string>;
  /** Goes on with a run that is parked, failed or cancelled; with `resolved`, under a changed config. */
  resume(runId: string, options: { readonly resolved?: ResolvedConfig }): Promise<void>;
  /** The config a run was started with. */
  configOf(runId: string): Promise<ResolvedConfig>;
  /** What a new run of this config would reuse and run. */
  plan(resolved: ResolvedConfig): Promise<RunPlan>;
  /**
   * Calls `onUpdate` with every change (at least once) until the run no longer runs; returns the last snapshot. Ends
   * early, with the snapshot of that moment, when `signal` is aborted; the run itself goes on.
   */
  watch(
    runId: string,
    options: { readonly onUpdate: (snapshot: RunSnapshot) => void; readonly signal: AbortSignal },
  ): Promise<RunSnapshot>;
  snapshot(runId: string): Promise<RunSnapshot>;
  /** Sorted by run id. */
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
  close(): Promise<void>;
}

/** Connects to the stack that is up; `cli/run-client.ts` exports this as `connectRunApi`. */
export type ConnectRunApi = () => Promise<RunApi>;
