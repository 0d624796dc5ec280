import { TerminalError } from '../core/errors.js';

/** A video's size in patches: temporal patches, rows, columns (Hugging Face's `video_grid_thw`). */
export interface Grid {
  readonly t: number;
  readonly h: number;
  readonly w: number;
}

/** How frames become patches; the numbers of `preprocessor_config.json`. */
export interface PatchSizes {
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
}

const QWEN: PatchSizes = { patchSize: 14, temporalPatchSize: 2, spatialMergeSize: 2 };

/** OpenAI CLIP's channel statistics, which Qwen2.5-VL normalises with. */
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711] as const;

/** What each byte of a channel becomes. */
const LEVELS = CLIP_MEAN.map((mean, c) =>
  Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / CLIP_STD[c]!),
);

/** Tokens that one video takes in a prompt. */
export function videoTokens(grid: Grid, spatialMergeSize = 2): number {
  return (grid.t * grid.h * grid.w) / spatialMergeSize ** 2;
}

/** Frames of one size, `count` x `height` x `width` x 3 bytes. */
export interface FramesSize {
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/**
 * The grid that frames of a size make; an odd number of frames repeats the last one.
 * @throws TerminalError `policy.bad-frames`: the sides must be multiples of patch x merge size
 */
export function patchGrid({ count, height, width }: FramesSize, sizes: PatchSizes = QWEN): Grid {
  const { patchSize: p, temporalPatchSize, spatialMergeSize: m } = sizes;
  if (count === 0 || height % (p * m) !== 0 || width % (p * m) !== 0) {
    const message = `${count} frames of ${height} x ${width} pixels: there must be one, and both sides multiples of ${p * m}`;
    throw new TerminalError('policy.bad-frames', message, { fix: 'resize with video/smart-resize.ts' });
  }
  return { t: Math.ceil(count / temporalPatchSize), h: height / p, w: width / p };
}

/** Numbers in one patch. */
export const patchValues = ({ patchSize, temporalPatchSize }: PatchSizes = QWEN): number =>
  3 * temporalPatchSize * patchSize ** 2;

/**
 * Frames to the vision tower's input, in the order of transformers' Qwen2-VL processor: patches by time, then by
 * merge block (rows, columns), then inside the block; values by channel, frame of the pair, row, column. An odd
 * number of frames repeats the last one.
 *
 * @param frames RGB bytes, `count` x `height` x `width` x 3; the sides must be multiples of patch x merge size.
 * @param patches what is written to, [t*h*w, {@link patchValues}], if not an array of its own
 * @returns `patches`, normalised with CLIP's statistics, and the grid.
 */
export function patchify(
  frames: Uint8Array,
  size: FramesSize,
  sizes: PatchSizes = QWEN,
  patches?: Float32Array,
): { patches: Float32Array; grid: Grid } {
  const { count, height, width } = size;
  const { patchSize: p, temporalPatchSize: tp, spatialMergeSize: m } = sizes;
  if (frames.length !== count * height * width * 3) {
    const expected = `${count} x ${height} x ${width} x 3`;
    throw new TerminalError('policy.bad-frames', `${frames.length} bytes of frames are not ${expected}`);
  }
  const grid = patchGrid(size, sizes);
  const length = grid.t * grid.h * grid.w * patchValues(sizes);
  const to = patches ?? new Float32Array(length);
  if (to.length !== length) throw new TypeError(`an array of ${to.length} for ${length} numbers`);
  let out = 0;
  for (let t = 0; t < grid.t; t++) {
    for (let blockRow = 0; blockRow < grid.h; blockRow += m) {
      for (let blockColumn = 0; blockColumn < grid.w; blockColumn += m) {
        for (let inner = 0; inner < m * m; inner++) {
          const top = (blockRow + Math.floor(inner / m)) * p;
          const left = (blockColumn + (inner % m)) * p;
          for (let c = 0; c < 3; c++) {
            const level = LEVELS[c]!;
            for (let f = 0; f < tp; f++) {
              const frame = Math.min(t * tp + f, count - 1) * height;
              for (let y = 0; y < p; y++) {
                let at = ((frame + top + y) * width + left) * 3 + c;
                for (let x = 0; x < p; x++, at += 3) to[out++] = level[frames[at]!]!;
              }
            }
          }
        }
      }
    }
  }
  return { patches: to, grid };
}
