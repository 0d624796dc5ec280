import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { Reruns } from '../artifacts/rerun.js';
import type { RunRecord } from '../artifacts/runs.js';
import type { StageRef } from '../activities/contract.js';
import type { Split } from '../config/dataset.js';
import type { CheckpointStage } from '../config/evaluation.js';

/** A config by reference, and the few figures of it that shape the graph. */
export interface BranchInput {
  /** Blob digest of the resolved config. */
  readonly config: string;
  readonly graph: {
    readonly maxRejectShare: number;
    /** Training stages, each from the checkpoint of the one before. */
    readonly training: readonly CheckpointStage[];
    readonly grpoEpochs: number;
    readonly checkpoints: readonly CheckpointStage[];
    readonly evaluationSplit: Split;
  };
}

/** What a run is started with: its own branch, and its variants. */
export interface PipelineInput extends BranchInput {
  readonly runId: string;
  readonly name: string;
  readonly code: RunRecord['code'];
  readonly variants: readonly (BranchInput & { readonly name: string })[];
  /** Stages, of every branch, that are made again; absent where none is. */
  readonly reruns?: Reruns;
}

/** Input of the child workflow behind a sharded phase. */
export interface PhaseInput {
  readonly runId: string;
  readonly config: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** Samples per split; for `ingest` the candidates under `all`. */
  readonly counts: Readonly<Partial<Record<Split | 'all', number>>>;
  /** Checkpoint stage -> digest of its checkpoint; predictions only. */
  readonly checkpoints?: Readonly<Record<string, string>> | undefined;
  readonly reruns?: Reruns | undefined;
}

export interface ShardFailure {
  readonly stage: string;
  readonly shard: string;
  readonly reason: string;
  /** Code of the error, e.g. `store.blob-missing`. */
  readonly code: string;
}

/** A finished phase: its stages' results, or the shards that failed while their siblings finished. */
export type PhaseResult =
  | { readonly ok: true; readonly stages: Readonly<Record<string, StageRef>> }
  | { readonly ok: false; readonly failures: readonly ShardFailure[] };

/** Shards done per stage of a phase. */
export type PhaseProgress = Readonly<Record<string, { readonly done: number; readonly total: number }>>;

/** The run as its workflow sees it now. */
export const runQuery = defineQuery<RunRecord>('run');
/** Shards done in a phase's child workflow. */
export const progressQuery = defineQuery<PhaseProgress>('progress');
/** Wakes a parked run: the stage that failed is tried again. Refused while nothing is parked. */
export const retryUpdate = defineUpdate<string, []>('retry');
