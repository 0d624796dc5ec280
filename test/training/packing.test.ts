import { beforeAll, describe, expect, it } from 'vitest';
import { optimizerConfig } from '../../config/model.js';
import { deriveKey, Random } from '../../core/random.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { Policy } from '../../policy/policy.js';
import type { Grid } from '../../policy/processor.js';
import { microBatches, tokensPerMicroBatch, type Sequence } from '../../training/micro-batch.js';
import { firstFit, packedShape, roundedCount } from '../../training/packing.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { tokenLogProbs } from '../../training/loss.js';
import { fullTuning, type Tuning } from '../../training/tuning.js';
import { givenPatches } from '../../training/video-patches.js';
import { tinyConfig, tinyGrid, tinyPrompt, tinySegments } from '../policy/tiny.js';

describe('first-fit', () => {
  it('fills bins in the given order, the first with room first', () => {
    expect(firstFit([5, 6, 4, 3, 1, 10], 10)).toEqual([[0, 2, 4], [1, 3], [5]]);
    expect(firstFit([], 10)).toEqual([]);
  });

  it('never needs more bins than the longest items would', () => {
    for (let trial = 0; trial < 50; trial++) {
      const random = Random.from(trial, 'bins');
      const sizes = Array.from({ length: 32 }, () => 1 + random.integer(50));
      const bins = firstFit(sizes, 100);
      expect(bins.length).toBeLessThanOrEqual(16);
      expect(bins.flat().sort((a, b) => a - b)).toEqual(sizes.map((_, item) => item));
      for (const bin of bins) {
        expect(bin.reduce((sum, item) => sum + sizes[item]!, 0)).toBeLessThanOrEqual(100);
        expect(bin).toEqual([...bin].sort((a, b) => a - b));
      }
    }
  });
});

describe('the shape of packed micro-batches', () => {
  it('has rows for two of the longest sequences, as many as the budget and the batch allow', () => {
    expect(packedShape(192, 32, 8192)).toEqual({ length: 384, rows: 16 });
    expect(packedShape(1536, 32, 8192)).toEqual({ length: 3072, rows: 2 });
    expect(packedShape(5008, 32, 8192)).toEqual({ length: 8192, rows: 1 });
    expect(packedShape(9008, 32, 8192)).toEqual({ length: 9008, rows: 1 });
    expect(packedShape(192, 1, 8192)).toEqual({ length: 384, rows: 1 });
  });

  it('comes in eighths', () => {
    const counts = Array.from({ length: 32 }, (_, i) => roundedCount(i + 1, 32));
    expect([...new Set(counts)]).toEqual([4, 8, 12, 16, 20, 24, 28, 32]);
    counts.forEach((count, i) => expect(count).toBeGreaterThan(i));
    expect([1, 2, 3].map((count) => roundedCount(count, 3))).toEqual([1, 2, 3]);
    expect(roundedCount(17, 17)).toBe(17);
  });
});

const promptTokens = tinyPrompt(8, 9).length;

describe('packed micro-batches', () => {
  const sequence = (video: number, tokens: number, longest: number): Sequence => ({
    prompt: tinyPrompt(8, 9),
    completion: Array.from({ length: tokens }, (_, i) => 10 + ((video + i) % 20)),
    weights: Float32Array.from({ length: tokens }, (_, i) => video + i / 100),
    video,
    longest,
  });
  const pack = (tokens: readonly number[], longest: number, batchSize = tokens.length, grid = tinyGrid) => {
    const sequences = tokens.map((count, video) => sequence(video, count, longest));
    const grids = Array<Grid>(tokens.length).fill(grid);
    return microBatches(tinyConfig, sequences, grids, { batchSize, packing: true });
  };

  it('put sequences one after the other, with positions of their own and nothing learnt in between', () => {
    const [only, ...rest] = pack([3, 20, 2], 36);
    expect(rest).toEqual([]);
    const { batch, weights, videos, sequences } = only!;
    expect([batch.rows, batch.length, batch.from]).toEqual([1, 96, promptTokens]);
    expect(sequences).toEqual([0, 1, 2]);
    expect(videos).toEqual([0, 1, 2]);
    const starts = [0, promptTokens + 3, 2 * promptTokens + 23];
    const ends = [...starts.slice(1), batch.length];
    const expected = starts.flatMap((start, nth) => Array<number>(ends[nth]! - start).fill(nth));
    expect([...batch.sequenceIds!]).toEqual(expected);
    for (const axis of [0, 1, 2]) {
      const own = batch.positions.subarray(axis * batch.length, (axis + 1) * batch.length);
      const of = (nth: number) => [...own.subarray(starts[nth], starts[nth]! + promptTokens + 2)];
      expect(of(1)).toEqual(of(0));
      expect(of(2)).toEqual(of(0));
    }
    const learnt = [...weights.keys()].filter((at) => batch.mask[at] === 1);
    expect(learnt.map((at) => batch.targets[at])).toEqual(
      [3, 20, 2].flatMap((count, video) => [...sequence(video, count, 36).completion]),
    );
    expect(Float32Array.from(learnt, (at) => weights[at]!)).toEqual(
      Float32Array.from([3, 20, 2].flatMap((count, video) => [...sequence(video, count, 36).weights])),
    );
    expect(weights.filter((_, at) => batch.mask[at] === 0).every((weight) => weight === 0)).toBe(true);
  });

  it('share one shape in a batch and few across batches', () => {
    const shape = (seed: number) => {
      const random = Random.from(seed, 'shape');
      const tokens = Array.from({ length: 64 }, () => 180 + random.integer(200));
      const parts = pack(tokens, 400 + promptTokens, 64);
      expect(parts.length).toBeGreaterThan(1);
      expect(parts.flatMap((part) => part.sequences).sort((a, b) => a - b)).toEqual([...tokens.keys()]);
      for (const { batch, videos } of parts) {
        expect(batch.rows * batch.length).toBeLessThanOrEqual(tokensPerMicroBatch);
        expect(videos.length).toBeGreaterThanOrEqual(batch.firstTargets.length);
      }
      const shapes = parts.map(({ batch, videos }) => [batch.rows, batch.length, videos.length].join());
      expect(new Set(shapes).size).toBe(1);
      return shapes[0]!;
    };
    const shapes = new Set(Array.from({ length: 10 }, (_, seed) => shape(seed)));
    expect(shapes.size).toBeLessThanOrEqual(3);
  });

  it('are the same every time', () => {
    const random = Random.from(1, 'same');
    const tokens = Array.from({ length: 20 }, () => 1 + random.integer(60));
    expect(pack(tokens, 80)).toEqual(pack(tokens, 80));
  });

  it('grow with a sequence that is longer than was said', () => {
    const [part] = pack([100, 1], 40);
    expect(part!.batch.length).toBeGreaterThanOrEqual(100 + promptTokens);
  });

  it('cut more sequences than a batch has into batches', () => {
    const parts = pack([4, 5, 6, 7, 8], 40, 2);
    expect(parts.map((part) => part.sequences)).toEqual([[0, 1], [2, 3], [4]]);
  });
});

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

const wideGrid: Grid = { t: 3, h: 2, w: 4 };

/** Sequences with completions of many lengths, some of their tokens only read. */
function drawSequences(lengths: readonly number[], grids: readonly Grid[]): SupervisedSequence[] {
  return lengths.map((tokens, at) => {
    const random = Random.from(at, 'packing');
    const grid = grids[at % grids.length]!;
    const patches = grid.t * grid.h * grid.w;
    const placeholders = Array<number>(patches / 4).fill(tinyConfig.tokens.video);
    const words = Array.from({ length: 1 + random.integer(5) }, () => 7 + random.integer(33));
    const completion = Array.from({ length: tokens }, () => 7 + random.integer(33));
    return {
      prompt: [1, 3, ...placeholders, 4, ...words],
      completion,
      learnt: completion.map(() => (random.chance(0.8) ? 1 : 0)),
      video: givenPatches(
        grid,
        Float32Array.from({ length: patches * 24 }, () => random.normal()),
      ),
      longest: Math.max(...lengths) + 20,
    };
  });
}

/** Two steps, the second from the weights that the first left; gradients as they are in the first moments. */
async function trained(sequences: readonly SupervisedSequence[], packing: boolean, tuning: Tuning) {
  const policy = Policy.initialise(backend, tinyConfig, deriveKey(4, 'packing'));
  const optimizer = optimizerConfig({ learningRate: 1e-3 }).parse({ maxGradNorm: 1e6 });
  const trainer = new SupervisedTrainer(policy, sequences.length, optimizer, {
    stored: null,
    tuning,
    packing,
  });
  const first = await trainer.step(sequences, 1e-3);
  const moments = await trainer.state();
  const second = await trainer.step(sequences, 1e-3);
  trainer.dispose();
  const weights = new Map([...policy.variables].map(([name, variable]) => [name, variable.dataSync()]));
  policy.dispose();
  return { rows: [first, second], moments, weights };
}

describe('training on packed rows', () => {
  it.each([
    ['videos of two sizes', [3, 40, 11, 1, 25, 60, 8, 19], [tinyGrid, tinyGrid, wideGrid], fullTuning],
    ['rows of several blocks of queries', [150, 20, 90, 220, 70, 10], [tinyGrid], fullTuning],
    ['recomputed layers', [30, 5, 18, 44], [wideGrid], { ...fullTuning, recompute: true }],
  ])(
    'gives the same losses, gradients and weights: %s',
    async (_, lengths, grids, tuning) => {
      const sequences = drawSequences(lengths, grids);
      const plain = await trained(sequences, false, tuning);
      const packed = await trained(sequences, true, tuning);
      for (const [at, row] of plain.rows.entries()) {
        const other = packed.rows[at]!;
        expect(other.tokens).toBe(row.tokens);
        expect(Math.abs(other.loss / row.loss - 1)).toBeLessThan(1e-5);
        expect(other.tokenAccuracy).toBeCloseTo(row.tokenAccuracy, 6);
        expect(Math.abs(other.gradNorm / row.gradNorm - 1)).toBeLessThan(1e-5);
      }
      // Sums in another order have other last bits: rows were packed indeed.
      expect(packed.weights).not.toEqual(plain.weights);
      let compared = 0;
      for (const [name, { values }] of Object.entries(plain.moments)) {
        if (!name.startsWith('first.')) continue;
        const other = packed.moments[name]!.values;
        const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(scale, name).toBeGreaterThan(0);
        values.forEach((value, i) => {
          expect(Math.abs(value - other[i]!), name).toBeLessThan(1e-5 * scale + 1e-9);
          compared++;
        });
      }
      expect(compared).toBeGreaterThan(10_000);
      for (const [name, values] of plain.weights) {
        const other = packed.weights.get(name)!;
        let worst = 0;
        values.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - other[i]!))));
        expect(worst, name).toBeLessThan(1e-4);
      }
    },
    120_000,
  );
});

describe('a packed row', () => {
  it('lets no sequence see another', () => {
    const { tf } = backend;
    const policy = Policy.initialise(backend, tinyConfig, deriveKey(4, 'packing'));
    const words = (at: number, count: number) => {
      const random = Random.from(at, 'words');
      return Array.from({ length: count }, () => 7 + random.integer(33));
    };
    const prompts = [tinyPrompt(8), tinyPrompt(9, 10), tinyPrompt(11)];
    const videos = prompts.map((_, at) => {
      const random = Random.from(at, 'video');
      return Float32Array.from({ length: 32 * 24 }, () => random.normal());
    });
    /** Log-probabilities of each sequence's completion. */
    const scored = (completions: readonly number[][], shown: readonly number[], packed?: number[][]) => {
      const batch = prepareBatch(tinyConfig, {
        prompts,
        completions,
        media: prompts.map(() => ({ kind: 'video', grid: tinyGrid })),
        padToLength: 96,
        ...(packed === undefined ? {} : { packed }),
      });
      return tf.tidy(() => {
        const patches = tf.tensor2d(
          shown.flatMap((at) => [...videos[at]!]),
          [prompts.length * 32, 24],
        );
        const tensors = batchTensors(backend, tinyConfig, batch);
        const logits = policy.logits(tensors, policy.vision(patches, tinySegments(prompts.length)));
        const values = tokenLogProbs(backend, logits, tensors.targets).dataSync();
        return batch.firstTargets.map((firstTarget, at) =>
          values.slice(firstTarget, firstTarget + completions[at]!.length),
        );
      });
    };
    const completions = [words(0, 12), words(1, 20), words(2, 7)];
    const row = [[2, 0, 1]];
    const together = scored(completions, [0, 1, 2], row);
    // Another completion and another video for the one in the middle.
    const changed = scored([words(9, 12), ...completions.slice(1)], [1, 1, 2], row);
    expect(changed[0]).not.toEqual(together[0]);
    expect(changed[1]).toEqual(together[1]);
    expect(changed[2]).toEqual(together[2]);
    const apart = scored(completions, [0, 1, 2]);
    const split = scored(completions, [0, 1, 2], [[1], [0, 2]]);
    for (const [at, values] of apart.entries()) {
      values.forEach((value, i) => {
        expect(Math.abs(value - together[at]![i]!)).toBeLessThan(1e-5);
        expect(Math.abs(value - split[at]![i]!)).toBeLessThan(1e-5);
      });
    }
    policy.dispose();
  });
});
