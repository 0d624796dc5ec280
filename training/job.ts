import type { FramesConfig } from '../config/dataset.js';
import type { CompletionShape } from '../datasets/answer.js';
import type { ModelConfig } from '../config/model.js';
import type { PromptTexts } from '../config/schema.js';
import type { ModelTuning } from './model-tuning.js';
import type { GrpoConfig, ReflectionConfig, SamplingConfig, SftConfig } from '../config/training.js';
import type { Crossing } from './watchers/watch.js';

/**
 * What the GPU worker's activity asks of the trainer child process. Everything is a local path: the child knows neither
 * the store nor Temporal; only the activity publishes.
 */
interface JobBase {
  /** Empty folder for outputs and checkpoints. */
  readonly workDir: string;
  /** Content-addressed folder of frame packs: `<blobDir>/<first two>/<digest>`. */
  readonly blobDir: string;
  /** JSONL of {@link FrameIndexEntry}. */
  readonly frameIndex: string;
  /** JSONL of datasets/sample.ts Sample. */
  readonly samples: string;
  readonly frames: FramesConfig;
  readonly prompts: PromptTexts;
  readonly seed: number;
  /**
   * Pretrained weights that this job reads: where SFT starts, or what the adapters of its checkpoints rest on; null where
   * checkpoints are whole models.
   */
  readonly base: PretrainedBase | null;
}

/** A model folder of released weights on this machine. */
export interface PretrainedBase {
  readonly folder: string;
  /** What pins them; checked where it is a digest. */
  readonly revision: string;
}

interface TrainingBase extends JobBase {
  readonly tuning: ModelTuning;
  /** Checkpoint folder to go on from, null at the start. */
  readonly resumeFrom: string | null;
}

/** Which pack holds a sample's frames. */
export interface FrameIndexEntry {
  readonly sampleId: string;
  readonly pack: string;
}

export type ScratchModel = Extract<ModelConfig, { kind: 'scratch' }>;

export interface SftJob extends TrainingBase {
  readonly kind: 'sft';
  readonly params: SftConfig;
  /** False leaves `<think>` out of what is learnt. */
  readonly reasoning: boolean;
  /** What is made from nothing; null starts from {@link JobBase.base}. */
  readonly model: ScratchModel | null;
  /**
   * JSONL of datasets/target.ts Target. Those of samples in split `sft` are trained on, those of split `val` give the
   * validation loss; others only add their words to the vocabulary.
   */
  readonly targets: string;
  /** Words that later stages write and the targets may lack (reflections): they join a scratch run's vocabulary. */
  readonly extraWords: readonly string[];
}

export interface ReflectionSftJob extends TrainingBase {
  readonly kind: 'reflection-sft';
  readonly params: ReflectionConfig;
  /** Folder of the SFT checkpoint: a model, or an adapter on {@link JobBase.base}. */
  readonly start: string;
  /** JSONL of Reflection. Those of samples in split `val` give the validation loss, all others are trained on. */
  readonly reflections: string;
  /** JSONL of Target, for the plain share (split `sft`). */
  readonly targets: string;
}

export interface GrpoJob extends TrainingBase {
  readonly kind: 'grpo';
  readonly params: GrpoConfig;
  /** What the prompt asks for. */
  readonly shape: CompletionShape;
  /** Checkpoint folder the epoch starts from. */
  readonly start: string;
  /** `state.safetensors` of the epoch before (optimizer moments); null in the first epoch. */
  readonly startState: string | null;
  /** `log.jsonl` of the epochs before, which the watchers go on from; null in the first epoch. Changes no number. */
  readonly earlierLog: string | null;
  /** Checkpoint folder of the reference policy: where the first epoch started. */
  readonly reference: string;
  /** Counts from 0. */
  readonly epoch: number;
}

/** Drafts and predictions: one batch of samples answered by one checkpoint. */
export interface AnswerJob extends JobBase {
  readonly kind: 'answer';
  readonly checkpoint: string;
  /** Digest of the checkpoint: under it the child keeps the loaded policy for the next job. */
  readonly checkpointDigest: string;
  readonly sampleIds: readonly string[];
  readonly sampling: SamplingConfig;
  readonly prompt: keyof PromptTexts;
  readonly completionsPerSample: number;
  /** Part of every draw's key: `drafts` or `predictions`. */
  readonly purpose: string;
}

export type TrainerJob = SftJob | ReflectionSftJob | GrpoJob | AnswerJob;

/**
 * Files a finished job leaves in workDir. Training: `model/` (a complete model folder, under LoRA a peft adapter folder), `state.safetensors` (optimizer
 * moments, needed by the next GRPO epoch), `log.jsonl` (one row per step, no times), GRPO also `completions.jsonl`.
 * Answers: `answers.jsonl` ({@link AnswerRecord}), in the order of `sampleIds`, then by completion.
 * Checkpoints lie in `checkpoints/step-000120/` until the activity, which uploads them, removes them.
 * On numbers that are not finite: `bad-batch/`, with what led to them.
 */
export interface AnswerRecord {
  readonly sampleId: string;
  readonly completion: number;
  readonly text: string;
  readonly finish: 'stop' | 'length';
  readonly tokens: number;
}

/** A limit of a watcher that a phase's log crossed, see training/watchers/. */
export interface TrainingWarning extends Crossing {
  readonly phase: string;
}

/** What the child says while it works. */
export type TrainerEvent =
  | {
      readonly type: 'progress';
      /** e.g. `vision warm-up`, `sft`, `grpo`, `answers`. */
      readonly phase: string;
      readonly step: number;
      readonly steps: number;
      /** Numbers worth showing live: loss, reward, accuracy, ... */
      readonly metrics: Readonly<Record<string, number>>;
    }
  /** Said once per crossing. A resumed job says again what was crossed before. */
  | { readonly type: 'warning'; readonly warning: TrainingWarning }
  /** A complete checkpoint folder lies under workDir; the activity uploads it while training goes on. */
  | { readonly type: 'checkpoint'; readonly step: number; readonly folder: string }
  | { readonly type: 'done'; readonly metrics: Readonly<Record<string, number>> };

/** What a running job is given to talk and to be stopped with. */
export interface JobControl {
  emit(event: TrainerEvent): void;
  /** True after the activity asked to save and exit: the job writes a checkpoint at the next step and throws JobStopped. */
  stopRequested(): boolean;
}
