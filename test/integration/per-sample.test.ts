import { describe, expect, it } from 'vitest';
import { ok, okValues, perSample } from '../../activities/per-sample.js';
import type { StageContext } from '../../activities/stage.js';
import type { SampleOutcome } from '../../artifacts/sample-outcomes.js';
import type { ArtifactStore } from '../../artifacts/artifact-store.js';
import type { ResolvedConfig } from '../../config/schema.js';
import { freshStore } from '../artifacts/store.js';

/** A context as `durable` makes it, of which per-sample work uses the store, the key, the signal and the progress. */
function contextOf(
  store: ArtifactStore,
  noted: { steps: number[]; continued: boolean },
  of: Pick<StageContext, 'work' | 'kept'> = { work: 'k', kept: null },
): StageContext {
  return {
    request: { runId: 'r', config: 'c', inputs: {}, shard: null, shards: [], use: {} },
    config: {} as ResolvedConfig,
    services: { store, cacheDir: store.blobs.folder, trainer: null },
    key: 'k',
    ...of,
    seed: 1,
    attempt: 1,
    signal: new AbortController().signal,
    progress: ({ step }) => noted.steps.push(step),
    warn: () => undefined,
    checkpointed: () => undefined,
    continued: () => {
      noted.continued = true;
    },
    log: () => undefined,
    input: (name) => name,
  };
}

const samples = ['a', 'b', 'c', 'd'].map((id) => ({ id }));

describe('perSample', () => {
  it('pays after a failure only for what is missing', async () => {
    const store = await freshStore();
    const first = { steps: [] as number[], continued: false };
    const worked: string[] = [];
    await expect(
      perSample(contextOf(store, first), 'frames', samples, 1, ({ id }) => {
        if (id === 'c') return Promise.reject(new Error('killed'));
        worked.push(id);
        return Promise.resolve(ok({ id }));
      }),
    ).rejects.toThrow('killed');
    const second = { steps: [] as number[], continued: false };
    const outcomes = await perSample(contextOf(store, second), 'frames', samples, 1, ({ id }) => {
      worked.push(id);
      return Promise.resolve(ok({ id }));
    });
    expect(worked).toEqual(['a', 'b', 'c', 'd']);
    expect(first.continued).toBe(false);
    expect(second).toEqual({ steps: [3, 4], continued: true });
    expect(okValues<{ id: string }>(outcomes).values).toEqual(samples);
  });

  it('tries again only what ended as a retry asks, and leaves the earlier outcomes there', async () => {
    const store = await freshStore();
    const ended: Record<string, SampleOutcome> = {
      b: { outcome: 'refused', reason: 'too-long', message: 'r' },
      c: { outcome: 'rejected', reason: 'truncated', message: 't' },
    };
    const noted = { steps: [] as number[], continued: false };
    await perSample(contextOf(store, noted), 'frames', samples, 1, ({ id }) =>
      Promise.resolve(ended[id] ?? ok({ id })),
    );
    const before = await store.outcomes.read('frames', 'k');
    expect(Object.keys(before)).toEqual(['a', 'b', 'c', 'd']);

    const worked: string[] = [];
    const retry = { work: 'k-1', kept: { work: 'k', but: ['refused', 'failed'] as const } };
    const again = async (of: Pick<StageContext, 'work' | 'kept'>) => {
      const outcomes = await perSample(contextOf(store, noted, of), 'frames', samples, 1, ({ id }) => {
        worked.push(id);
        return Promise.resolve(ok({ id, again: true }));
      });
      return okValues(outcomes);
    };
    expect(await again(retry)).toMatchObject({
      values: [{ id: 'a' }, { id: 'b', again: true }, { id: 'd' }],
      metrics: { ok: 3, rejected: 1 },
    });
    expect(worked).toEqual(['b']);
    expect(noted.continued).toBe(true);
    expect(await store.outcomes.read('frames', 'k')).toEqual(before);

    // The next retry starts from what the last one left.
    const last = { work: 'k-2', kept: { work: 'k-1', but: ['rejected'] as const } };
    expect(await again(last)).toMatchObject({ metrics: { ok: 4 } });
    expect(worked).toEqual(['b', 'c']);
    // All went well: nothing is left that could be tried again.
    expect(await store.outcomes.read('frames', 'k-2')).toEqual({});
  });

  it('counts what did not go well, and keeps it out of the values', async () => {
    const store = await freshStore();
    const noted = { steps: [] as number[], continued: false };
    const outcomes = await perSample(contextOf(store, noted), 'frames', samples, 2, ({ id }) =>
      Promise.resolve(
        id === 'b'
          ? { outcome: 'rejected', reason: 'truncated', message: 'cut off' }
          : ok({ id }, [`blob-${id}`]),
      ),
    );
    expect(okValues(outcomes)).toEqual({
      values: [{ id: 'a' }, { id: 'c' }, { id: 'd' }],
      blobs: ['blob-a', 'blob-c', 'blob-d'],
      metrics: { ok: 3, rejected: 1 },
    });
  });
});
