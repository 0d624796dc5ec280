import type { Reruns } from '../artifacts/rerun.js';
import type { Split } from '../config/dataset.js';
import type { LowDisk } from '../core/free-disk.js';
import type { TrainingWarning } from '../training/job.js';
import type { Quiet } from './pulse.js';

/** Task queues. Workflows run on `orchestrate`; the others run activities only. */
export const queues = ['control', 'media', 'llm', 'gpu'] as const;
export type Queue = (typeof queues)[number];

/** The stages of the pipeline in the order they are shown. `probe` is the sharded part of `ingest`. */
export const stageNames = [
  'ingest',
  'frames',
  'captions',
  'reasoning',
  'sft',
  'drafts',
  'reflections',
  'reflection-sft',
  'grpo',
  'predictions',
  'evaluate',
  'compare',
  'report',
] as const;
export type StageName = (typeof stageNames)[number];

/** Part `index` of the samples of one split, `size` samples each. */
export interface Shard {
  readonly split: Split | 'all';
  readonly index: number;
  readonly size: number;
}

/** What a stage activity is called with: references only, never lists or bodies. */
export interface StageRequest {
  readonly runId: string;
  /** Blob digest of the resolved config. */
  readonly config: string;
  /** Name -> blob digest. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Set when a sharded stage works on one shard; null for a whole stage. */
  readonly shard: Shard | null;
  /** Keys of the finished shards, when a sharded stage is merged; for `report`, `<stage>/<key>` of what it is drawn from. */
  readonly shards: readonly string[];
  /** Which checkpoint, which epoch: what tells several uses of one stage apart. */
  readonly use: Readonly<Record<string, string | number>>;
  /** Stages that are made again although the store has them; absent where none is. */
  readonly reruns?: Reruns | undefined;
}

/** What a stage activity returns: references only. */
export interface StageRef {
  readonly stage: string;
  readonly key: string;
  /** S3 address of the manifest. */
  readonly manifest: string;
  readonly outcome: 'ran' | 'reused' | 'continued';
  readonly outputs: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly attempts: number;
}

/** Live progress of a running activity, carried by its heartbeats. */
export interface StageProgress {
  readonly phase: string;
  readonly step: number;
  readonly steps: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Heartbeat details: always the last ones again, since a bare heartbeat would erase them. */
export interface HeartbeatDetails {
  readonly stage: string;
  readonly progress: StageProgress | null;
  /** What a training warned of so far, of each limit the latest crossing. */
  readonly warnings: readonly TrainingWarning[];
  /** Step of the newest checkpoint in the store. */
  readonly checkpoint: number | null;
  /** How long the trainer has said nothing, once that is longer than usual. */
  readonly quiet: Quiet | null;
  /** The disk of the worker's caches, once it is nearly full. */
  readonly lowDisk: (LowDisk & { readonly host: string }) | null;
}
