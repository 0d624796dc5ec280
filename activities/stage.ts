import type { Json } from '../core/canonical-json.js';
import type { ResolvedConfig } from '../config/schema.js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { BlobRef } from '../artifacts/blobs.js';
import type { RetriedOutcome } from '../artifacts/rerun.js';
import type { Queue, StageName, StageProgress, StageRequest } from './contract.js';
import type { TrainingWarning } from '../training/job.js';
import type { Trainer } from './trainer.js';

/** What the worker process offers to its activities. */
export interface Services {
  readonly store: ArtifactStore;
  /** Folder for caches and scratch work of this machine. */
  readonly cacheDir: string;
  /** The GPU worker's trainer child; null on the other workers. */
  readonly trainer: Trainer | null;
}

/** A file that a stage publishes: bytes, text, or what is in the store already. */
export type Output =
  | { readonly mediaType: string; readonly bytes: Uint8Array }
  | { readonly mediaType: string; readonly text: string }
  | { readonly stored: BlobRef };

export interface StageResult {
  readonly outputs: Readonly<Record<string, Output>>;
  /** Digests of blobs already stored that the outputs refer to. */
  readonly blobs?: readonly string[];
  readonly metrics?: Readonly<Record<string, number>>;
}

/** What a running stage has at hand. */
export interface StageContext {
  readonly request: StageRequest;
  readonly config: ResolvedConfig;
  readonly services: Services;
  readonly key: string;
  /** Names the checkpoints and sample outcomes of this work: see `workName`. */
  readonly work: string;
  /** Earlier work whose sample outcomes count, but for those that a retry asks for again; null for none. */
  readonly kept: { readonly work: string; readonly but: readonly RetriedOutcome[] } | null;
  /** Seed for every draw of this stage; derive keys from it. Throws when the stage declared none. */
  readonly seed: number;
  readonly attempt: number;
  /** Aborted on cancellation and on worker shutdown. */
  readonly signal: AbortSignal;
  progress(progress: StageProgress): void;
  /** Tells whoever watches the run, and its log. */
  warn(warning: TrainingWarning): void;
  /** Called when a checkpoint is in the store, and when work goes on from what an earlier attempt left. */
  checkpointed(step: number): void;
  continued(): void;
  /** One line for `hindsight logs`. */
  log(line: string): void;
  input(name: string): string;
}

/** A stage: what its result depends on, and how it is made. */
export interface Stage {
  readonly name: StageName | 'probe';
  /** Bumped by hand when the same inputs give other bytes. */
  readonly version: number;
  readonly queue: Queue;
  /** Module of the trainer child that does the work, e.g. `training/sft`: its code is the stage's too. */
  readonly job?: string;
  /** The part of the config that enters the key. */
  params(config: ResolvedConfig, request: StageRequest): Json;
  /** Which seed the stage draws from. */
  readonly seed: 'data' | 'train' | 'eval' | null;
  /** Digests that enter the key; default: the request's inputs. Sharded stages name the part that they read. */
  keyInputs?(context: KeyContext): Promise<Record<string, string>>;
  run(context: StageContext): Promise<StageResult>;
}

/** What is known before a stage runs. */
export interface KeyContext {
  readonly request: StageRequest;
  readonly config: ResolvedConfig;
  readonly services: Services;
}

/** A stage whose shards' JSONL outputs of these names are concatenated, in shard order, into the whole stage's. */
export interface ShardedStage extends Stage {
  readonly merged: readonly string[];
}
