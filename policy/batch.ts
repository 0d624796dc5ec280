import { TerminalError } from '../core/errors.js';
import type { PolicyConfig } from './config.js';
import { layOutVision, visionIndex, type Media, type VisionLayout } from './media.js';
import { mropePositions } from './positions.js';

/**
 * Prompts with completions, padded on the right, for one forward pass. Rows may show any videos and images, of any
 * size and number.
 */
export interface PolicyBatch {
  readonly rows: number;
  /** Tokens of a padded row. */
  readonly length: number;
  /** The first position that is predicted: the shortest prompt's length. Predictions cover [from, length). */
  readonly from: number;
  /** length - from. */
  readonly predicted: number;
  /** [rows, length] */
  readonly ids: Int32Array;
  /** [3, rows, length] */
  readonly positions: Int32Array;
  /** True when every row has the same positions, so that one table serves all. */
  readonly positionsAgree: boolean;
  /** [rows, predicted]: ids[row, from + j] */
  readonly targets: Int32Array;
  /** [rows, predicted]: 1 where the target belongs to the row's completion, else 0 */
  readonly mask: Float32Array;
  /** [rows, length]: row of the vision tensor, -1 for text */
  readonly visionIndex: Int32Array;
  /** How the vision tensor of the batch's media is laid out. */
  readonly layout: VisionLayout;
}

export interface BatchRequest {
  readonly prompts: readonly (readonly number[])[];
  /** One per prompt; may be empty. */
  readonly completions: readonly (readonly number[])[];
  /** Everything that the vision tower will see. */
  readonly media: readonly Media[];
  /** Which media each prompt shows, in the order in which they appear; row r shows medium r when absent. */
  readonly shows?: readonly (readonly number[])[];
  /** Pads every row to this many tokens, so that batches share a shape. */
  readonly padToLength?: number;
  /** Adds rows that count nothing (mask 0) up to this many. */
  readonly rows?: number;
}

/**
 * Lays out one batch. TerminalErrors: `policy.too-long` when a row does not fit `padToLength`,
 * `policy.placeholder-mismatch` when placeholders and media disagree, `policy.bad-batch` for the rest.
 */
export function prepareBatch(config: PolicyConfig, request: BatchRequest): PolicyBatch {
  const { prompts, completions, media } = request;
  const bad = (message: string) => new TerminalError('policy.bad-batch', message);
  const shows = request.shows ?? prompts.map((_, row) => (media.length === 0 ? [] : [row]));
  if (prompts.length === 0) throw bad('a batch needs at least one row');
  if (completions.length !== prompts.length)
    throw bad(`${prompts.length} prompts but ${completions.length} completions`);
  if (shows.length !== prompts.length)
    throw bad(`${prompts.length} prompts but ${shows.length} lists of what they show`);
  if (prompts.some((prompt) => prompt.length === 0)) throw bad('a prompt is empty');
  const longest = Math.max(...prompts.map((prompt, row) => prompt.length + completions[row]!.length));
  const length = request.padToLength ?? longest;
  if (longest > length) {
    const message = `a row of ${longest} tokens does not fit a batch padded to ${length}`;
    throw new TerminalError('policy.too-long', message, { fields: { longest, length } });
  }
  const rows = Math.max(prompts.length, request.rows ?? 0);
  const from = Math.min(...prompts.map((prompt) => prompt.length));
  const predicted = length - from;
  const layout = layOutVision(media, config.vision.spatialMergeSize);
  const ids = new Int32Array(rows * length).fill(config.tokens.pad);
  const index = new Int32Array(rows * length).fill(-1);
  const targets = new Int32Array(rows * predicted).fill(config.tokens.pad);
  const mask = new Float32Array(rows * predicted);
  const positions = new Int32Array(3 * rows * length);
  for (let row = 0; row < rows; row++) {
    // Padding rows repeat the first prompt: their numbers stay finite and their mask is 0.
    const like = row < prompts.length ? row : 0;
    const prompt = prompts[like]!;
    const completion = row < prompts.length ? completions[row]! : [];
    ids.set(prompt, row * length);
    ids.set(completion, row * length + prompt.length);
    index.set(visionIndex(config, prompt, media, shows[like]!, layout), row * length);
    targets.set(ids.subarray(row * length + from, (row + 1) * length), row * predicted);
    const start = row * predicted + prompt.length - from;
    mask.fill(1, start, start + completion.length);
    const own = shows[like]!.map((which) => media[which]!);
    const at = mropePositions(prompt, config, own);
    for (let axis = 0; axis < 3; axis++) {
      const base = (axis * rows + row) * length;
      positions.set(at.positions.subarray(axis * prompt.length, (axis + 1) * prompt.length), base);
      for (let i = prompt.length; i < length; i++) positions[base + i] = at.next + i - prompt.length;
    }
  }
  return {
    rows,
    length,
    from,
    predicted,
    ids,
    positions,
    positionsAgree: rowsAgree(positions, rows, length),
    targets,
    mask,
    visionIndex: index,
    layout,
  };
}

function rowsAgree(positions: Int32Array, rows: number, length: number): boolean {
  for (let axis = 0; axis < 3; axis++) {
    const first = axis * rows * length;
    for (let i = length; i < rows * length; i++) {
      if (positions[first + i] !== positions[first + (i % length)]) return false;
    }
  }
  return true;
}
