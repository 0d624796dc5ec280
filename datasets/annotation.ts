import type { Split } from '../config/dataset.js';
import type { Label, Reject } from './sample.js';

/**
 * Annotated intervals exactly as the file has them. They become fractions of the video only when the video is probed,
 * since a frame rate or a length of the annotation may not be the file's.
 */
export interface Intervals {
  readonly unit: 'seconds' | 'frames';
  /** Number of the first frame; 0 for seconds. */
  readonly base: 0 | 1;
  /** The end names the last frame inside, not the first one after. */
  readonly endInclusive: boolean;
  /** Frames of the video that the annotator had; null when the file does not say. */
  readonly totalFrames: number | null;
  readonly spans: readonly (readonly [number, number])[];
}

/** One line of an annotation file, read but not yet compared with its video. */
export interface Annotation {
  readonly id: string;
  /** Where the video should be. */
  readonly path: string;
  readonly label: Label;
  /** As written; null when the line names none. */
  readonly category: string | null;
  /** Null when the line has none: only the label is known. */
  readonly intervals: Intervals | null;
  readonly split: Split | null;
  /** Film, camera or source video. */
  readonly group: string;
  readonly place: string | null;
  readonly description: string | null;
  readonly reasoning: { readonly think: string; readonly answer: string } | null;
  /** Base name of the annotation file and the line. */
  readonly from: string;
}

/** Something repaired or ignored that a person may want to know. */
export interface Warning {
  readonly from: string;
  /** Stable, e.g. `span-clamped`. */
  readonly code: string;
  readonly message: string;
}

export interface ImportResult {
  readonly annotations: readonly Annotation[];
  readonly rejects: readonly Reject[];
  readonly warnings: readonly Warning[];
}
