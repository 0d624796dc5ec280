import { TerminalError } from '../core/errors.js';
import type { PolicyConfig } from './config.js';
import { mropePositions } from './positions.js';
import type { Grid } from './processor.js';

/**
 * Prompts with completions, padded on the right, for one forward pass. Every row has its video at the same offset and
 * with the same grid, so that positions agree between rows and the video's embeddings go in as one block.
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
  /** [rows, predicted]: ids[row, from + j] */
  readonly targets: Int32Array;
  /** [rows, predicted]: 1 where the target belongs to the row's completion, else 0 */
  readonly mask: Float32Array;
  /** [rows]: which video of the vision tensor a row shows */
  readonly visionRow: Int32Array;
  readonly videoOffset: number;
  readonly videoTokens: number;
  readonly grid: Grid;
}

export interface BatchRequest {
  readonly prompts: readonly (readonly number[])[];
  /** One per prompt; may be empty. */
  readonly completions: readonly (readonly number[])[];
  readonly grid: Grid;
  /** Each row's own grid, where a caller cannot know that they agree; they must. */
  readonly grids?: readonly Grid[];
  /** Row r shows video visionRow[r]; 0, 1, 2, ... when absent. */
  readonly visionRow?: readonly number[];
  /** Pads every row to this many tokens, so that batches share a shape. */
  readonly padToLength?: number;
  /** Adds rows that count nothing (mask 0) up to this many. */
  readonly rows?: number;
}

/**
 * Lays out one batch. TerminalErrors: `policy.mixed-grid` when grids or video offsets differ between rows,
 * `policy.too-long` when a row does not fit `padToLength`, `policy.bad-batch` for the rest.
 */
export function prepareBatch(config: PolicyConfig, request: BatchRequest): PolicyBatch {
  const { prompts, completions, grid } = request;
  const bad = (message: string) => new TerminalError('policy.bad-batch', message);
  if (prompts.length === 0) throw bad('a batch needs at least one row');
  if (completions.length !== prompts.length)
    throw bad(`${prompts.length} prompts but ${completions.length} completions`);
  if (request.visionRow !== undefined && request.visionRow.length !== prompts.length) {
    throw bad(`${prompts.length} prompts but ${request.visionRow.length} vision rows`);
  }
  for (const other of request.grids ?? []) {
    if (other.t !== grid.t || other.h !== grid.h || other.w !== grid.w) {
      const message = `videos of ${grid.t}x${grid.h}x${grid.w} and ${other.t}x${other.h}x${other.w} patches in one batch`;
      throw new TerminalError('policy.mixed-grid', message, { fix: 'batch videos of one size together' });
    }
  }
  const videoOffset = prompts[0]!.indexOf(config.tokens.video);
  const videoTokens = prompts[0]!.filter((token) => token === config.tokens.video).length;
  for (const [row, prompt] of prompts.entries()) {
    if (prompt.length === 0) throw bad(`row ${row} has an empty prompt`);
    if (prompt.indexOf(config.tokens.video) !== videoOffset) {
      throw new TerminalError('policy.mixed-grid', `row ${row} has its video at another offset than row 0`);
    }
  }
  const longest = Math.max(...prompts.map((prompt, row) => prompt.length + completions[row]!.length));
  const length = request.padToLength ?? longest;
  if (longest > length) {
    throw new TerminalError(
      'policy.too-long',
      `a row of ${longest} tokens does not fit a batch padded to ${length}`,
      {
        fields: { longest, length },
      },
    );
  }
  const rows = Math.max(prompts.length, request.rows ?? 0);
  const from = Math.min(...prompts.map((prompt) => prompt.length));
  const predicted = length - from;
  const ids = new Int32Array(rows * length).fill(config.tokens.pad);
  const targets = new Int32Array(rows * predicted).fill(config.tokens.pad);
  const mask = new Float32Array(rows * predicted);
  const positions = new Int32Array(3 * rows * length);
  const visionRow = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    // Padding rows repeat the first prompt: their numbers stay finite and their mask is 0.
    const prompt = prompts[row] ?? prompts[0]!;
    const completion = completions[row] ?? [];
    visionRow[row] = row < prompts.length ? (request.visionRow?.[row] ?? row) : 0;
    ids.set(prompt, row * length);
    ids.set(completion, row * length + prompt.length);
    targets.set(ids.subarray(row * length + from, (row + 1) * length), row * predicted);
    const start = row * predicted + prompt.length - from;
    mask.fill(1, start, start + completion.length);
    const at = mropePositions(prompt, config, { videos: videoTokens > 0 ? [grid] : [] });
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
    targets,
    mask,
    visionRow,
    videoOffset,
    videoTokens,
    grid,
  };
}
