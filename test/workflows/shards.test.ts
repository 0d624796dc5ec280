import { describe, expect, it } from 'vitest';
import { answerShardSize, mediaShardSize, overShards, shardsOf } from '../../workflows/shards.js';

describe('shard sizes', () => {
  it.each([1, 31, 32, 6400, 6401, 20_000, 100_000])('make at most 200 shards of %i samples', (count) => {
    for (const size of [mediaShardSize(count), answerShardSize(count)]) {
      const shards = shardsOf('sft', count, size);
      expect(shards.length).toBeLessThanOrEqual(200);
      expect(shards.length * size).toBeGreaterThanOrEqual(count);
      expect(shards.map((shard) => shard.index)).toEqual(shards.map((_, i) => i));
    }
  });

  it('make none of nothing', () => {
    expect(shardsOf('test', 0, 32)).toEqual([]);
  });
});

describe('overShards', () => {
  it('keeps at most 24 in flight, and results in order', async () => {
    let running = 0;
    let most = 0;
    const results = await overShards(
      Array.from({ length: 100 }, (_, i) => i),
      async (i) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return i * 2;
      },
    );
    expect(most).toBe(24);
    expect(results).toEqual(Array.from({ length: 100 }, (_, i) => i * 2));
  });

  it('passes a failure on', async () => {
    await expect(
      overShards([1, 2, 3], (i) => (i === 2 ? Promise.reject(new Error('two')) : Promise.resolve(i))),
    ).rejects.toThrow('two');
  });
});
