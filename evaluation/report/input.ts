import type { RunConfig } from '../../config/schema.js';
import type { Reject, Sample } from '../../datasets/sample.js';
import type { Comparison } from '../compare.js';
import type { EvaluationResult, PerSample } from '../result.js';

/**
 * All that a report is made of, as plain data. It holds no times, hosts or run ids: the same run gives the same file,
 * byte by byte.
 */
export interface ReportInput {
  readonly config: RunConfig;
  readonly code: {
    /** Version in package.json. */
    readonly version: string;
    /** Commit of the working tree, null outside a repository. */
    readonly commit: string | null;
  };
  /** What `evaluate` returned. */
  readonly evaluation: EvaluationResult;
  readonly perSample: readonly PerSample[];
  /** The run beside its variants; null where it has none. */
  readonly comparison: Comparison | null;
  /** Every sample of the run, all splits. */
  readonly samples: readonly Sample[];
  readonly rejects: readonly Reject[];
  /** GRPO logs of the variants that have a GRPO stage of their own. */
  readonly variantLogs: readonly VariantLog[];
  /** Drafts behind the reflection data; null where the run does not reflect. */
  readonly drafts: DraftShares | null;
  /** Training stages in pipeline order; those that did not run are left out. */
  readonly training: readonly TrainingLog[];
  /** In the order they are shown; `chooseExamples` says which samples to bring. */
  readonly examples: readonly ReportExample[];
  /** What the run published, in pipeline order. */
  readonly artifacts: readonly ReportArtifact[];
}

/** Right and wrong drafts as the policy wrote them, and as they were kept for `draftRightShare`. */
export interface DraftShares {
  readonly before: { readonly right: number; readonly wrong: number };
  readonly after: { readonly right: number; readonly wrong: number };
}

/** The rows of one stage's `log.jsonl`, epochs one after the other. */
export interface TrainingLog {
  /** `sft`, `reflection-sft` or `grpo`. */
  readonly stage: string;
  /**
   * One object per logged step: `step`, optionally `phase` (rows of different phases are drawn apart) and `epoch` (its
   * steps are counted on from the epoch before), and numbers under any name. Known names get a chart of their own, see
   * curves.ts. Of rows with the same phase, epoch and step the last counts.
   */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** The GRPO log of a variant. */
export interface VariantLog {
  readonly variant: string;
  readonly rows: TrainingLog['rows'];
}

/** A video to look at, with what every checkpoint wrote about it. */
export interface ReportExample {
  readonly sampleId: string;
  /** Why it was chosen, in words: the `why` of `chooseExamples`. */
  readonly why: string;
  /** Frames in time order on one picture; null when there is none. */
  readonly contactSheet: {
    readonly mediaType: 'image/webp' | 'image/png' | 'image/jpeg';
    readonly bytes: Uint8Array;
  } | null;
  /** Completions in the order of `evaluation.checkpoints`; a checkpoint without an answer is left out. */
  readonly answers: readonly { readonly checkpoint: string; readonly text: string }[];
}

/** One stage's publication. */
export interface ReportArtifact {
  readonly stage: string;
  /** The stage key: what went into it, hashed. */
  readonly key: string;
  /** Output name to blob digest. */
  readonly outputs: Readonly<Record<string, string>>;
}
