import { describe, expect, it } from 'vitest';
import { ModelConfig } from '../../config/model.js';
import type { Grid } from '../../policy/processor.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import { microBatches, tokensPerMicroBatch, type Sequence } from '../../training/micro-batch.js';
import { scratchConfig } from '../../training/scratch-model.js';

const model = ModelConfig.parse({ kind: 'scratch' });
if (model.kind !== 'scratch') throw new Error('a scratch model');
const config = scratchConfig(model, trainWordTokenizer(['a b c']));
const small: Grid = { t: 1, h: 2, w: 2 };
const wide: Grid = { t: 1, h: 2, w: 4 };

const sequence = (video: number, grid: Grid, tokens: number, longest?: number): Sequence => ({
  prompt: [1, ...Array<number>((grid.t * grid.h * grid.w) / 4).fill(config.tokens.video), 2],
  completion: Array.from({ length: tokens }, (_, i) => 9 + (i % 2)),
  weights: Float32Array.from({ length: tokens }, (_, i) => i + 1),
  video,
  ...(longest === undefined ? {} : { longest }),
});

describe('micro-batches', () => {
  it('puts weights where the completion is predicted, and none on padding', () => {
    const [only, ...rest] = microBatches(
      config,
      [sequence(0, small, 3), sequence(1, small, 1)],
      [small, small],
    );
    expect(rest).toEqual([]);
    const { batch, weights, videos, sequences } = only!;
    expect(batch.length).toBe(64);
    expect(batch.from).toBe(3);
    expect([...weights.subarray(0, 4)]).toEqual([1, 2, 3, 0]);
    expect([...weights.subarray(batch.predicted, batch.predicted + 2)]).toEqual([1, 0]);
    expect(weights.reduce((a, b) => a + b, 0)).toBe(7);
    expect([...batch.targets.subarray(0, 3)]).toEqual([9, 10, 9]);
    expect(videos).toEqual([0, 1]);
    expect(sequences).toEqual([0, 1]);
  });

  it('never mixes grids, and pads rows and videos to one shape', () => {
    const grids = [small, wide, small, small];
    const parts = microBatches(
      config,
      grids.map((grid, i) => sequence(i, grid, 4)),
      grids,
    );
    expect(parts.map((part) => part.sequences)).toEqual([[0, 2, 3], [1]]);
    expect(parts.map((part) => part.batch.rows)).toEqual([4, 4]);
    expect(parts.map((part) => part.videos)).toEqual([
      [0, 2, 3, 0],
      [1, 1, 1, 1],
    ]);
    expect(parts[1]!.batch.layout.segments).toEqual([{ frames: 4 * wide.t, h: wide.h, w: wide.w }]);
  });

  it('keeps groups whole and cuts a batch into equal parts within the token budget', () => {
    const groups = 16;
    const long = 300;
    const sequences = Array.from({ length: groups * 4 }, (_, i) => sequence(Math.floor(i / 4), small, long));
    const parts = microBatches(config, sequences, Array<Grid>(groups).fill(small), { together: 4 });
    for (const { batch, videos, sequences: own } of parts) {
      expect(batch.rows * batch.length).toBeLessThanOrEqual(tokensPerMicroBatch);
      expect(own.length % 4).toBe(0);
      expect(videos).toHaveLength(batch.rows / 4);
      // The rows of a group show one video.
      const first = [0, 1, 2, 3].map((row) =>
        Math.max(...batch.visionIndex.subarray(row * batch.length, (row + 1) * batch.length)),
      );
      expect(new Set(first).size).toBe(1);
    }
    expect(new Set(parts.map((part) => part.batch.rows)).size).toBe(1);
    expect(parts.flatMap((part) => part.sequences)).toEqual(sequences.map((_, i) => i));
  });

  it('cuts single sequences that do not fit together by length, and pads each part to what it needs', () => {
    // 32 x 336 tokens are more than fit; in the order of the batch, every part would hold a long one.
    const tokens = Array.from({ length: 32 }, (_, i) => [280, 150, 240, 60][i % 4]! + i);
    const sequences = tokens.map((count, i) => sequence(i, small, count, 330));
    const parts = microBatches(config, sequences, Array<Grid>(32).fill(small));
    expect(parts.map(({ batch }) => [batch.rows, batch.length])).toEqual([
      [8, 320],
      [8, 320],
      [8, 192],
      [8, 128],
    ]);
    const sizes = parts.map((part) => part.sequences.map((at) => tokens[at]!));
    expect(sizes.flat()).toEqual(tokens.toSorted((a, b) => b - a));
    expect(parts.flatMap((part) => part.videos).toSorted((a, b) => a - b)).toEqual(tokens.map((_, i) => i));
  });

  it('never pads a part to more than the longest sequence of the phase', () => {
    const sequences = Array.from({ length: 32 }, (_, i) => sequence(i, small, 325, 333));
    const parts = microBatches(config, sequences, Array<Grid>(32).fill(small));
    expect(parts.map(({ batch }) => batch.length)).toEqual([336, 336, 336, 336]);
  });

  it('leaves a batch that fits together in its order', () => {
    const sequences = [3, 50, 20].map((count, i) => sequence(i, small, count, 60));
    const [only, ...rest] = microBatches(config, sequences, Array<Grid>(3).fill(small));
    expect(rest).toEqual([]);
    expect(only!.sequences).toEqual([0, 1, 2]);
  });

  it('pads to the longest sequence that is to come, so that one shape serves all', () => {
    const lengths = [3, 40, 90].map((tokens) => {
      const [part] = microBatches(config, [sequence(0, small, tokens, 100)], [small], { batchSize: 8 });
      return [part!.batch.length, part!.batch.rows];
    });
    expect(lengths).toEqual([
      [112, 8],
      [112, 8],
      [112, 8],
    ]);
  });
});
