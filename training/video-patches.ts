import type { Tensor2D } from '@tensorflow/tfjs';
import type { Policy } from '../policy/policy.js';
import { patchGrid, patchify, patchValues, type FramesSize, type Grid } from '../policy/processor.js';

/** A video as the policy takes it. */
export interface VideoPatches {
  readonly grid: Grid;
  /** Numbers that {@link write} writes: t * h * w patches of equally many. */
  readonly size: number;
  /**
   * Writes the patches [t * h * w, patch values] into an array of {@link size}. They are made when a batch is laid out and
   * not kept: as numbers they are four times the frames, and V8 collects its whole heap after each 64 MB of arrays.
   */
  write(to: Float32Array): void;
}

/**
 * The patches of RGB frames, `count` x `height` x `width` x 3.
 * @throws TerminalError `policy.bad-frames`
 */
export function framePatches(frames: Uint8Array, size: FramesSize): VideoPatches {
  const grid = patchGrid(size);
  return {
    grid,
    size: grid.t * grid.h * grid.w * patchValues(),
    write: (to) => void patchify(frames, size, undefined, to),
  };
}

/** Patches that are numbers already. */
export function givenPatches(grid: Grid, patches: Float32Array): VideoPatches {
  return { grid, size: patches.length, write: (to) => to.set(patches) };
}

/** Patches of some videos as one tensor; those of one size only, since their order is kept. */
export function patchTensor(policy: Policy, videos: readonly VideoPatches[]): Tensor2D {
  const { grid, size } = videos[0]!;
  const width = size / (grid.t * grid.h * grid.w);
  const all = new Float32Array(videos.reduce((sum, video) => sum + video.size, 0));
  let at = 0;
  for (const video of videos) {
    video.write(all.subarray(at, at + video.size));
    at += video.size;
  }
  return policy.backend.tf.tensor2d(all, [all.length / width, width]);
}
