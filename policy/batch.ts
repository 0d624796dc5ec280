import { TerminalError } from '../core/errors.js';
import type { PolicyConfig } from './config.js';
import { layOutVision, visionIndex, type Media, type VisionLayout } from './media.js';
import { mropePositions } from './positions.js';

/**
 * Prompts with completions, padded on the right, for one forward pass. Rows may show any videos and images, of any
 * size and number. A packed row holds several sequences one after the other, which do not see each other.
 */
export interface PolicyBatch {
  readonly rows: number;
  /** Tokens of a padded row. */
  readonly length: number;
  /** [rows, length]: which sequence of its row a token belongs to; null when no row is packed. */
  readonly sequenceIds: Int32Array | null;
  /** The first position that is predicted: the shortest prompt's length. Predictions cover [from, length). */
  readonly from: number;
  /** length - from. */
  readonly predicted: number;
  /** [rows, length] */
  readonly ids: Int32Array;
  /** [3, rows, length] */
  readonly positions: Int32Array;
  /** True when every row has the same positions, so that one table serves all; never when rows are packed. */
  readonly positionsAgree: boolean;
  /** [rows, predicted]: ids[row, from + j] */
  readonly targets: Int32Array;
  /** [rows, predicted]: 1 where the target belongs to a completion, else 0 */
  readonly mask: Float32Array;
  /** [rows, length]: row of the vision tensor, -1 for text */
  readonly visionIndex: Int32Array;
  /** Per sequence, where the first token of its completion stands among the [rows x predicted] targets. */
  readonly firstTargets: readonly number[];
  /** How the vision tensor of the batch's media is laid out. */
  readonly layout: VisionLayout;
}

export interface BatchRequest {
  readonly prompts: readonly (readonly number[])[];
  /** One per prompt; may be empty. */
  readonly completions: readonly (readonly number[])[];
  /** Everything that the vision tower will see. */
  readonly media: readonly Media[];
  /** Which media each prompt shows, in the order in which they appear; prompt p shows medium p when absent. */
  readonly shows?: readonly (readonly number[])[];
  /** Pads every row to this many tokens, so that batches share a shape. */
  readonly padToLength?: number;
  /** Adds rows that count nothing (mask 0) up to this many. */
  readonly rows?: number;
  /** Packs the sequences: which ones each row holds, every sequence once. A row each when absent. */
  readonly packed?: readonly (readonly number[])[];
}

/**
 * Lays out one batch. TerminalErrors: `policy.too-long` when a row does not fit `padToLength`,
 * `policy.placeholder-mismatch` when placeholders and media disagree, `policy.bad-batch` for the rest.
 */
export function prepareBatch(config: PolicyConfig, request: BatchRequest): PolicyBatch {
  const { prompts, completions, media, packed } = request;
  const shows = request.shows ?? prompts.map((_, at) => (media.length === 0 ? [] : [at]));
  requireSequences(request, shows);
  const members = packed ?? prompts.map((_, at) => [at]);
  const size = (at: number): number => prompts[at]!.length + completions[at]!.length;
  const longest = Math.max(...members.map((row) => row.reduce((sum, at) => sum + size(at), 0)));
  const length = request.padToLength ?? longest;
  if (longest > length) {
    const message = `a row of ${longest} tokens does not fit a batch padded to ${length}`;
    throw new TerminalError('policy.too-long', message, { fields: { longest, length } });
  }
  const rows = Math.max(members.length, request.rows ?? 0);
  const from = Math.min(...prompts.map((prompt) => prompt.length));
  const predicted = length - from;
  const layout = layOutVision(media, config.vision.spatialMergeSize);
  const ids = new Int32Array(rows * length).fill(config.tokens.pad);
  const index = new Int32Array(rows * length).fill(-1);
  const targets = new Int32Array(rows * predicted).fill(config.tokens.pad);
  const mask = new Float32Array(rows * predicted);
  const positions = new Int32Array(3 * rows * length);
  const sequenceIds = packed === undefined ? null : new Int32Array(rows * length);
  const firstTargets = new Array<number>(prompts.length);
  for (let row = 0; row < rows; row++) {
    // Padding rows repeat the first one's prompts: their numbers stay finite and their mask is 0.
    const counts = row < members.length;
    let start = 0;
    for (const [nth, at] of members[counts ? row : 0]!.entries()) {
      const prompt = prompts[at]!;
      const first = row * length + start;
      ids.set(prompt, first);
      index.set(visionIndex(config, prompt, media, shows[at]!, layout), first);
      // What is left of the row follows its last sequence, which cannot see it.
      sequenceIds?.fill(nth, first, (row + 1) * length);
      const own = shows[at]!.map((which) => media[which]!);
      const turns = mropePositions(prompt, config, own);
      for (let axis = 0; axis < 3; axis++) {
        const base = (axis * rows + row) * length + start;
        positions.set(turns.positions.subarray(axis * prompt.length, (axis + 1) * prompt.length), base);
        for (let i = prompt.length; i < length - start; i++)
          positions[base + i] = turns.next + i - prompt.length;
      }
      if (counts) {
        const firstTarget = row * predicted + start + prompt.length - from;
        ids.set(completions[at]!, first + prompt.length);
        mask.fill(1, firstTarget, firstTarget + completions[at]!.length);
        firstTargets[at] = firstTarget;
      }
      start += size(at);
    }
    targets.set(ids.subarray(row * length + from, (row + 1) * length), row * predicted);
  }
  return {
    rows,
    length,
    sequenceIds,
    from,
    predicted,
    ids,
    positions,
    positionsAgree: packed === undefined && rowsAgree(positions, rows, length),
    targets,
    mask,
    visionIndex: index,
    firstTargets,
    layout,
  };
}

function requireSequences(
  { prompts, completions, packed }: BatchRequest,
  shows: readonly (readonly number[])[],
): void {
  const bad = (message: string) => new TerminalError('policy.bad-batch', message);
  if (prompts.length === 0) throw bad('a batch needs at least one row');
  if (completions.length !== prompts.length)
    throw bad(`${prompts.length} prompts but ${completions.length} completions`);
  if (shows.length !== prompts.length)
    throw bad(`${prompts.length} prompts but ${shows.length} lists of what they show`);
  if (prompts.some((prompt) => prompt.length === 0)) throw bad('a prompt is empty');
  const held = packed?.flat().sort((a, b) => a - b);
  if (held !== undefined && (held.length !== prompts.length || held.some((at, i) => at !== i)))
    throw bad(`packed rows must hold each of ${prompts.length} sequences once, found ${held.join(', ')}`);
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
