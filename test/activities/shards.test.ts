import { describe, expect, it } from 'vitest';
import { ofSplits, partDigest, shardOf } from '../../activities/shards.js';
import type { Split } from '../../config/dataset.js';
import type { Sample } from '../../datasets/sample.js';
import { testSample } from '../evaluation/videos.js';

const sample = (id: string, split: Split): Sample => testSample(id, 'Normal', [], { split });

const samples = Array.from({ length: 10 }, (_, i) => sample(`s${i}`, i % 2 === 0 ? 'sft' : 'test'));
const ids = (list: readonly Sample[]): string[] => list.map(({ id }) => id);

describe('shards', () => {
  it('cut a split into slices that cover it once, in order', () => {
    const all = [0, 1, 2].flatMap((index) => ids(shardOf(samples, { split: 'sft', index, size: 2 })));
    expect(all).toEqual(ids(ofSplits(samples, ['sft'])));
    expect(ids(shardOf(samples, { split: 'sft', index: 2, size: 2 }))).toEqual(['s8']);
    expect(shardOf(samples, { split: 'sft', index: 3, size: 2 })).toEqual([]);
    expect(ids(shardOf(samples, { split: 'all', index: 1, size: 6 }))).toEqual(['s6', 's7', 's8', 's9']);
  });

  it('have a digest that follows from their rows and their order alone', () => {
    expect(partDigest([{ a: 1 }, { a: 2 }])).toBe(partDigest([{ a: 1 }, { a: 2 }]));
    expect(partDigest([{ a: 2 }, { a: 1 }])).not.toBe(partDigest([{ a: 1 }, { a: 2 }]));
    expect(partDigest([])).not.toBe(partDigest([{}]));
  });
});
