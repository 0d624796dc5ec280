import { TerminalError } from '../core/errors.js';
import type { PolicyConfig } from './config.js';
import type { Grid } from './processor.js';

/** What lies behind the placeholders of one prompt, in the order in which it appears. */
export interface PromptMedia {
  readonly videos?: readonly Grid[];
  readonly images?: readonly Grid[];
  /** Seconds between temporal patches, one per video; whole seconds count (as in transformers), 1 when absent. */
  readonly secondsPerGrid?: readonly number[];
}

/**
 * Multimodal rotary positions (time, height, width) of every token, as transformers 4.57.6 `get_rope_index` and vLLM
 * give them: a video's time advances by `tokensPerSecond` per temporal patch, the text after it starts at the largest
 * position so far plus one.
 *
 * @returns `positions` row by row [3, ids.length], and `next`, the position of the first token after the prompt.
 * @throws TerminalError `policy.placeholder-mismatch` when placeholders and grids disagree.
 */
export function mropePositions(
  ids: readonly number[],
  config: PolicyConfig,
  { videos = [], images = [], secondsPerGrid = [] }: PromptMedia,
): { positions: Int32Array; next: number } {
  const { tokens, vision } = config;
  const length = ids.length;
  const positions = new Int32Array(3 * length);
  const mismatch = (message: string) => new TerminalError('policy.placeholder-mismatch', message);
  let next = 0;
  let video = 0;
  let image = 0;
  for (let at = 0; at < length;) {
    const isVideo = ids[at] === tokens.video;
    if (!isVideo && ids[at] !== tokens.image) {
      positions[at] = positions[length + at] = positions[2 * length + at] = next++;
      at++;
      continue;
    }
    const grid = isVideo ? videos[video] : images[image];
    if (grid === undefined)
      throw mismatch(`token ${at} is a placeholder of ${isVideo ? 'a video' : 'an image'} that is not given`);
    const seconds = isVideo ? Math.trunc(secondsPerGrid[video] ?? 1) : 0;
    if (isVideo) video++;
    else image++;
    const [rows, columns] = [grid.h / vision.spatialMergeSize, grid.w / vision.spatialMergeSize];
    let largest = next;
    for (let t = 0; t < grid.t; t++) {
      const time = next + Math.trunc(t * seconds * vision.tokensPerSecond);
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, at++) {
          if (ids[at] !== (isVideo ? tokens.video : tokens.image)) {
            throw mismatch(
              `a grid of ${grid.t} x ${grid.h} x ${grid.w} patches needs ${grid.t * rows * columns} placeholders`,
            );
          }
          positions[at] = time;
          positions[length + at] = next + y;
          positions[2 * length + at] = next + x;
          largest = Math.max(largest, time, next + y, next + x);
        }
      }
    }
    next = largest + 1;
  }
  if (video !== videos.length || image !== images.length) {
    throw mismatch(`${videos.length} videos and ${images.length} images given, ${video} and ${image} used`);
  }
  return { positions, next };
}

/**
 * Cosine and sine of the decoder's rotary embedding at given positions: channel j turns with time, height or width as
 * `mropeSection` says, the second half of the channels repeats the first. Angles are rounded to float32 as the
 * reference computes them.
 *
 * @param positions row by row [3, count]
 * @returns `cos` and `sin`, each [count, headDim]
 */
export function mropeTable(
  config: PolicyConfig,
  positions: Int32Array,
): { cos: Float32Array; sin: Float32Array } {
  const { headDim, mropeSection, ropeTheta } = config;
  const count = positions.length / 3;
  const half = headDim / 2;
  const cos = new Float32Array(count * headDim);
  const sin = new Float32Array(count * headDim);
  for (let j = 0; j < half; j++) {
    const axis = j < mropeSection[0] ? 0 : j < mropeSection[0] + mropeSection[1] ? 1 : 2;
    const frequency = Math.fround(1 / Math.fround(ropeTheta ** Math.fround((2 * j) / headDim)));
    for (let i = 0; i < count; i++) {
      const angle = Math.fround(positions[axis * count + i]! * frequency);
      const at = i * headDim + j;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
