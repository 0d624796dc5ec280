import { describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../artifacts/artifact-store.js';
import { parsedOnce } from '../../activities/parsed-blobs.js';

/** Blobs in memory that count how often they are read; the first `failures` reads fail. */
function blobs(texts: Readonly<Record<string, string>>, failures = 0) {
  const reads: string[] = [];
  const getText = (digest: string): Promise<string> => {
    reads.push(digest);
    return reads.length > failures ? Promise.resolve(texts[digest]!) : Promise.reject(new Error('away'));
  };
  return { reads, store: { blobs: { getText } } as unknown as ArtifactStore };
}
const texts = { a: '[1]', b: '[2]', c: '[3]' };
const parse = (text: string) => JSON.parse(text) as number[];

describe('parsedOnce', () => {
  it('reads and parses a digest once, also for those that ask at the same time', async () => {
    const { reads, store } = blobs(texts);
    const read = parsedOnce(2, parse);
    const [first, second] = await Promise.all([read(store, 'a'), read(store, 'a')]);
    expect(first).toEqual([1]);
    expect(second).toBe(first);
    expect(await read(store, 'a')).toBe(first);
    expect(reads).toEqual(['a']);
  });

  it('forgets what nobody asked for the longest', async () => {
    const { reads, store } = blobs(texts);
    const read = parsedOnce(2, parse);
    for (const digest of ['a', 'b', 'a', 'c', 'a', 'b']) await read(store, digest);
    expect(reads).toEqual(['a', 'b', 'c', 'b']);
  });

  it('reads again after a failure, of the store or of the text', async () => {
    const { reads, store } = blobs({ ...texts, bad: '[' }, 1);
    const read = parsedOnce(2, parse);
    await expect(read(store, 'a')).rejects.toThrow('away');
    expect(await read(store, 'a')).toEqual([1]);
    await expect(read(store, 'bad')).rejects.toThrow(SyntaxError);
    await expect(read(store, 'bad')).rejects.toThrow(SyntaxError);
    expect(reads).toEqual(['a', 'a', 'bad', 'bad']);
  });
});
