import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { reusable } from '../../activities/reuse.js';
import { stageKey, type KeyParts, type Manifest } from '../../artifacts/manifest.js';
import { flipByte } from './flip-byte.js';
import { freshStore, onDisk } from './store.js';

const parts: KeyParts = {
  stage: 'sft',
  version: 1,
  params: { steps: 3, flag: false, text: '' },
  inputs: { samples: 'a'.repeat(64) },
  seed: 1,
};

function manifest(over: Partial<Manifest> = {}): Manifest {
  return {
    schema: 1,
    key: stageKey(parts),
    parts,
    outputs: { log: { digest: 'b'.repeat(64), bytes: 3, mediaType: 'text/plain' } },
    blobs: [],
    shards: [],
    metrics: { loss: 0.5 },
    producer: {
      code: 'c',
      files: null,
      rerun: null,
      run: 'run-1',
      attempt: 1,
      host: 'h',
      backend: null,
      threads: null,
      versions: {},
      startedAt: 's',
      endedAt: 'e',
    },
    ...over,
  };
}

describe('stage keys', () => {
  it('depend on every part, not on the order of members', () => {
    const reordered = { ...parts, params: { text: '', flag: false, steps: 3 } };
    expect(stageKey(reordered)).toBe(stageKey(parts));
    const changed: KeyParts[] = [
      { ...parts, version: 2 },
      { ...parts, seed: 2 },
      { ...parts, seed: null },
      { ...parts, stage: 'grpo' },
      { ...parts, params: { steps: 3, flag: false } },
      { ...parts, inputs: { samples: 'b'.repeat(64) } },
    ];
    expect(new Set([parts, ...changed].map(stageKey)).size).toBe(changed.length + 1);
  });
});

describe('manifests', () => {
  it('are found by key once published, and not before', async () => {
    const store = await freshStore();
    const one = manifest();
    expect(await store.manifests.find('sft', one.key)).toBeNull();
    expect(await store.manifests.publish(one)).toEqual(one);
    expect(await store.manifests.find('sft', one.key)).toEqual(one);
  });

  it('are kept when a second attempt comes late: the loser adopts the stored one', async () => {
    const store = await freshStore();
    const winner = manifest();
    await store.manifests.publish(winner);
    const late = manifest({ producer: { ...winner.producer, run: 'zombie', attempt: 2 } });
    expect((await store.manifests.publish(late)).producer.run).toBe('run-1');
  });

  it('give way to a rerun, which keeps both as generations of the key', async () => {
    const store = await freshStore();
    const first = manifest();
    const by = (rerun: string, run = 'run-2'): Manifest =>
      manifest({ metrics: { loss: 0.25 }, producer: { ...first.producer, run, rerun } });
    await store.manifests.publish(first);
    expect(await store.manifests.publish(by('r1'))).toEqual(by('r1'));
    expect(await store.manifests.find('sft', first.key)).toEqual(by('r1'));

    // A second attempt of the same rerun, and a late one from before it, adopt what holds.
    expect(await store.manifests.publish(by('r1', 'late'))).toEqual(by('r1'));
    expect(await store.manifests.publish(first)).toEqual(by('r1'));

    expect(await store.manifests.publish(by('r2'))).toEqual(by('r2'));
    const generations = await store.objects.list(`generations/sft/${first.key}/`);
    const kept = await Promise.all(generations.map((name) => store.objects.read(name)));
    const runs = kept.map((bytes) => (JSON.parse(String(bytes)) as Manifest).producer.rerun);
    expect(runs).toHaveLength(3);
    expect(new Set(runs)).toEqual(new Set([null, 'r1', 'r2']));
  });

  it('of a stage that never ended are published by a rerun as by any run', async () => {
    const store = await freshStore();
    const one = manifest({ producer: { ...manifest().producer, rerun: 'r1' } });
    expect(await store.manifests.publish(one)).toEqual(one);
    expect(await store.objects.list('generations/')).toEqual([]);
  });

  it('lose none when reruns race', async () => {
    const store = await freshStore();
    const first = manifest();
    await store.manifests.publish(first);
    const ids = ['r1', 'r2', 'r3', 'r4'];
    await Promise.all(
      ids.map((rerun) => store.manifests.publish(manifest({ producer: { ...first.producer, rerun } }))),
    );
    expect(ids).toContain((await store.manifests.find('sft', first.key))?.producer.rerun);
    expect(await store.objects.list(`generations/sft/${first.key}/`)).toHaveLength(5);
  });

  it('that are broken are mended by a rerun, and kept', async () => {
    const store = await freshStore();
    const one = manifest({ producer: { ...manifest().producer, rerun: 'r1' } });
    await store.objects.write(`stages/sft/${one.key}.json`, Buffer.from('{"schema": 1,'));
    expect(await store.manifests.publish(one)).toEqual(one);
    expect(await store.objects.list(`generations/sft/${one.key}/`)).toHaveLength(2);
  });

  it('raced by 16 writers with different contents are one, which all of them adopt', async () => {
    const prefix = `test-${randomUUID()}/`;
    const base = manifest();
    // A connection each, as processes have.
    const stores = await Promise.all(Array.from({ length: 16 }, () => freshStore(prefix)));
    const adopted = await Promise.all(
      stores.map((store, i) =>
        store.manifests.publish(
          manifest({ metrics: { loss: i }, producer: { ...base.producer, run: `writer-${i}` } }),
        ),
      ),
    );
    const [winner] = adopted;
    expect(winner!.producer.run).toMatch(/^writer-\d+$/);
    for (const one of adopted) expect(one).toEqual(winner);
    expect(await stores[0]!.manifests.find('sft', base.key)).toEqual(winner);
    expect(await stores[0]!.objects.list('claims/')).toEqual([]);
  });

  it('damaged on the disk of the store are a terminal error, and once taken out of use can be published again', async () => {
    const prefix = `test-${randomUUID()}/`;
    const store = await freshStore(prefix);
    const one = manifest();
    await store.manifests.publish(one);
    await flipByte(onDisk(prefix, `stages/sft/${one.key}.json`), 20);
    await expect(store.manifests.find('sft', one.key)).rejects.toMatchObject({
      code: 'store.manifest-corrupt',
      retryable: false,
      message: expect.stringMatching(/its checksum was .+ when it was stored and is .+ now/) as string,
      fields: { stage: 'sft', key: one.key },
    });
    const lines: string[] = [];
    const services = { store };
    expect(await reusable(services, 'sft', one.key, (line) => lines.push(line))).toBeNull();
    expect(lines.join()).toContain(`stages/sft/${one.key}.json is damaged`);
    await store.manifests.publish(one);
    expect(await reusable(services, 'sft', one.key, (line) => lines.push(line))).toEqual(one);
    expect(lines).toHaveLength(1);
  });

  it('that refer to a lost blob, themselves or through a shard, are not reused', async () => {
    const store = await freshStore();
    const pack = await store.blobs.putText('frames of a video', 'application/octet-stream');
    const shard = manifest({ blobs: [pack.digest] });
    const wholeParts = { ...parts, seed: 2 };
    const whole = manifest({ key: stageKey(wholeParts), parts: wholeParts, shards: [shard.key] });
    for (const one of [shard, whole]) await store.manifests.publish(one);
    const reuse = (key: string) => reusable({ store }, 'sft', key, (line) => lines.push(line));
    const lines: string[] = [];
    expect(await reuse(whole.key)).toEqual(whole);

    await store.objects.remove(`blobs/sha256/${pack.digest.slice(0, 2)}/${pack.digest}`);
    await expect(store.blobs.get(pack.digest)).rejects.toMatchObject({ code: 'store.blob-missing' });
    expect(await reuse(whole.key)).toBeNull();
    expect(await reuse(shard.key)).toBeNull();
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain(`refers to the lost blob ${pack.digest}`);
    expect(await store.objects.list('stages/')).toEqual([]);
  });

  it.each([
    ['is no JSON', () => '{"schema": 1,'],
    ['was written for another key', (one: Manifest) => JSON.stringify({ ...one, key: 'd'.repeat(64) })],
    [
      'does not follow from its parts',
      (one: Manifest) => JSON.stringify({ ...one, parts: { ...one.parts, seed: 9 } }),
    ],
  ])('that %s is a terminal error naming stage and key', async (_, text) => {
    const store = await freshStore();
    const one = manifest();
    await store.objects.write(`stages/sft/${one.key}.json`, Buffer.from(text(one)));
    await expect(store.manifests.find('sft', one.key)).rejects.toMatchObject({
      code: 'store.manifest-corrupt',
      fields: { stage: 'sft', key: one.key },
    });
  });
});
