import type { PolicyConfig } from '../policy/config.js';
import { prepareBatch, type PolicyBatch } from '../policy/batch.js';
import type { Grid } from '../policy/processor.js';
import { firstFit, packedShape, roundedCount } from './packing.js';

/** A prompt with its completion, and what each completion token weighs in the loss. */
export interface Sequence {
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
  /** One number per completion token; 0 leaves the token out. */
  readonly weights: Float32Array;
  /** Index of its video among the videos of the whole batch. */
  readonly video: number;
  /** Tokens that later sequences of this grid may have, where that is known. */
  readonly longest?: number;
}

/** Sequences over videos of one grid, padded to a shape that few other batches differ from. */
export interface MicroBatch {
  readonly batch: PolicyBatch;
  /** [rows, predicted]: the loss weight of every predicted position; 0 on padding. */
  readonly weights: Float32Array;
  /** Its sequences, row by row; one a row when not packed. Padding rows have none. */
  readonly sequences: readonly number[];
  /** Which videos, in the order of the vision tensor; the first fills up what is missing. */
  readonly videos: readonly number[];
}

/** Tokens (rows x padded length) that one micro-batch may hold: what bounds memory, whatever the batch size. */
export const tokensPerMicroBatch = 8192;
/** Padded lengths are multiples of the first where the longest sequence is known, else of the second: few shapes. */
const lengthSteps = [16, 64] as const;
/** Parts at least that a batch of single sequences is cut into once one is too few: the shorter ones are padded to less. */
const partsByLength = 4;

/** Tokens that rows of sequences up to a known length are padded to. */
export const paddedLength = (longest: number, step: number = lengthSteps[0]): number =>
  Math.ceil(longest / step) * step;

/**
 * Cuts a batch into micro-batches by grid, never through a run of `together` sequences (a group that shares one video).
 * Rows and videos are padded to the same count in every micro-batch. Single sequences that do not fit into one are sorted,
 * the longest first, so that a micro-batch of short ones is padded to what they need (docs/decisions/0009); all else keeps
 * its order.
 * @param grids grid of each video
 * @param batchSize sequences that batches of this kind have, where this one may have fewer
 * @param packing puts several sequences that do not see each other into one row; not together with `together`
 */
export function microBatches(
  config: PolicyConfig,
  sequences: readonly Sequence[],
  grids: readonly Grid[],
  {
    together = 1,
    batchSize = sequences.length,
    packing = false,
  }: { together?: number; batchSize?: number; packing?: boolean } = {},
): MicroBatch[] {
  const byGrid = new Map<string, number[]>();
  for (let start = 0; start < sequences.length; start += together) {
    const { t, h, w } = grids[sequences[start]!.video]!;
    const key = `${t}x${h}x${w}`;
    const run = Array.from({ length: Math.min(together, sequences.length - start) }, (_, i) => start + i);
    byGrid.set(key, [...(byGrid.get(key) ?? []), ...run]);
  }
  const parts: MicroBatch[] = [];
  for (const members of byGrid.values()) {
    const own = members.map((at) => sequences[at]!);
    const longest = Math.max(
      ...own.map((s) => Math.max(s.longest ?? 0, s.prompt.length + s.completion.length)),
    );
    const step = own.every((s) => s.longest !== undefined) ? lengthSteps[0] : lengthSteps[1];
    const length = paddedLength(longest, step);
    if (packing) {
      for (let start = 0; start < members.length; start += batchSize) {
        const some = members.slice(start, start + batchSize);
        parts.push(...packRows(config, sequences, some, grids, { longest: length, batchSize }));
      }
      continue;
    }
    // As few equal parts of the whole batch as the budget allows.
    const groups = Math.ceil(batchSize / together);
    const most = Math.max(1, Math.floor(tokensPerMicroBatch / (length * together)));
    const needed = Math.ceil(groups / most);
    const byLength = together === 1 && needed > 1;
    const rows = together * Math.ceil(groups / (byLength ? Math.max(needed, partsByLength) : needed));
    const tokens = (at: number): number => sequences[at]!.prompt.length + sequences[at]!.completion.length;
    const ordered = byLength ? members.toSorted((a, b) => tokens(b) - tokens(a)) : members;
    for (let start = 0; start < ordered.length; start += rows) {
      const some = ordered.slice(start, start + rows);
      const own = byLength ? paddedLength(tokens(some[0]!), lengthSteps[1]) : length;
      const shape = { rows, length: Math.min(own, length), videos: rows / together };
      parts.push(layOut(config, sequences, some, grids, shape));
    }
  }
  return parts;
}

/** Packs a batch of one grid, in as few equal parts as the budget allows. */
function packRows(
  config: PolicyConfig,
  sequences: readonly Sequence[],
  members: readonly number[],
  grids: readonly Grid[],
  { longest, batchSize }: { readonly longest: number; readonly batchSize: number },
): MicroBatch[] {
  const { length, rows: most } = packedShape(longest, batchSize, tokensPerMicroBatch);
  const sizes = members.map((at) => sequences[at]!.prompt.length + sequences[at]!.completion.length);
  const bins = firstFit(sizes, length).map((bin) => bin.map((item) => members[item]!));
  const each = Math.ceil(bins.length / Math.ceil(bins.length / most));
  const parts: number[][][] = [];
  for (let start = 0; start < bins.length; start += each) parts.push(bins.slice(start, start + each));
  const rows = roundedCount(each, most);
  const videos = roundedCount(Math.max(...parts.map((part) => part.flat().length)), batchSize);
  return parts.map((part) => {
    const own = part.flat();
    let next = 0;
    const packed = part.map((bin) => bin.map(() => next++));
    return layOut(config, sequences, own, grids, { rows, length, videos, packed });
  });
}

function layOut(
  config: PolicyConfig,
  sequences: readonly Sequence[],
  members: readonly number[],
  grids: readonly Grid[],
  shape: {
    readonly rows: number;
    readonly length: number;
    readonly videos: number;
    /** Which of the members each row holds. */
    readonly packed?: readonly (readonly number[])[];
  },
): MicroBatch {
  const own = members.map((at) => sequences[at]!);
  const videos = [...new Set(own.map((s) => s.video))];
  const shown = Array.from({ length: shape.videos }, (_, at) => videos[at] ?? videos[0]!);
  const batch = prepareBatch(config, {
    prompts: own.map((s) => s.prompt),
    completions: own.map((s) => s.completion),
    media: shown.map((video) => ({ kind: 'video', grid: grids[video]! })),
    shows: own.map((s) => [videos.indexOf(s.video)]),
    padToLength: shape.length,
    rows: shape.rows,
    ...(shape.packed === undefined ? {} : { packed: shape.packed }),
  });
  const weights = new Float32Array(batch.rows * batch.predicted);
  own.forEach((s, at) => weights.set(s.weights, batch.firstTargets[at]));
  return { batch, weights, sequences: members, videos: shown };
}
