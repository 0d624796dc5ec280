import type { GrpoConfig } from '../config/training.js';
import type { Random } from '../core/random.js';
import type { Label } from '../datasets/sample.js';
import { remainingIndices, resample, type CutSpan } from '../video/sampling.js';
import type { PassAnswer } from './rewards/reward.js';

/** What verification does about one completion: nothing (see CutOutcome), or show these frames again. */
export type CutPlan =
  | { readonly kind: 'abstain' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'cut'; readonly frames: readonly number[] };

/** A video as verification sees it. */
export interface CutVideo {
  readonly label: Label;
  /** Frames of the whole video. */
  readonly frames: number;
  /** Indices of the pool that frames are taken from again. */
  readonly pool: readonly number[];
  /** How many the policy sees. */
  readonly policyFrames: number;
}

/**
 * The cut that checks a prediction. Predicted Abnormal: the predicted span is removed from the pool and the policy's frames
 * are taken again, uniformly, from what remains; a span that is missing, invalid or removes nothing, or one that leaves
 * nothing, earns nothing. `guarded` abstains where the label is Normal (every span would "confirm") and where fewer than
 * `minFramesLeft` pool frames remain. Predicted Normal: the first or the last `trimShare` is removed, at random. A
 * completion without verdict is not checked.
 */
export function planCut(
  answer: PassAnswer,
  video: CutVideo,
  options: GrpoConfig['verification'],
  random: Random,
): CutPlan {
  if (answer.verdict === null) return { kind: 'nothing' };
  let cut: CutSpan;
  if (answer.verdict === 'Normal') {
    cut = random.chance(0.5) ? [0, options.trimShare] : [1 - options.trimShare, 1];
  } else {
    if (options.mode === 'guarded' && video.label === 'Normal') return { kind: 'abstain' };
    if (answer.span === null || answer.span[0] >= answer.span[1]) return { kind: 'nothing' };
    cut = answer.span;
  }
  const left = remainingIndices(video.pool, video.frames, [cut]);
  if (left.length === video.pool.length) return { kind: 'nothing' };
  if (options.mode === 'guarded' && left.length < options.minFramesLeft) return { kind: 'abstain' };
  if (left.length === 0) return { kind: 'nothing' };
  return { kind: 'cut', frames: resample(video.pool, left, video.policyFrames) };
}
