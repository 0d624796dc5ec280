import type { PolicyConfig } from './config.js';
import { placements, type Media } from './media.js';

/**
 * Multimodal rotary positions (time, height, width) of every token, as transformers 4.57.6 `get_rope_index` and vLLM
 * give them: a video's time advances by `tokensPerSecond` per temporal patch, the text after it starts at the largest
 * position so far plus one.
 *
 * @param media what lies behind the placeholders, in the order in which it appears
 * @returns `positions` row by row [3, ids.length], and `next`, the position of the first token after the prompt.
 * @throws TerminalError `policy.placeholder-mismatch` when placeholders and media disagree.
 */
export function mropePositions(
  ids: readonly number[],
  config: PolicyConfig,
  media: readonly Media[],
): { positions: Int32Array; next: number } {
  const { spatialMergeSize, tokensPerSecond } = config.vision;
  const length = ids.length;
  const positions = new Int32Array(3 * length);
  let next = 0;
  const text = (from: number, to: number) => {
    for (let at = from; at < to; at++)
      positions[at] = positions[length + at] = positions[2 * length + at] = next++;
  };
  let end = 0;
  for (const { start, count, medium } of placements(config, ids, media)) {
    text(end, start);
    const { grid, kind, secondsPerGrid = 1 } = medium;
    const seconds = kind === 'video' ? Math.trunc(secondsPerGrid) : 0;
    const [rows, columns] = [grid.h / spatialMergeSize, grid.w / spatialMergeSize];
    let largest = next;
    let at = start;
    for (let t = 0; t < grid.t; t++) {
      const time = next + Math.trunc(t * seconds * tokensPerSecond);
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, at++) {
          positions[at] = time;
          positions[length + at] = next + y;
          positions[2 * length + at] = next + x;
          largest = Math.max(largest, time, next + y, next + x);
        }
      }
    }
    next = largest + 1;
    end = start + count;
  }
  text(end, length);
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
