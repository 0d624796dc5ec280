import pLimit from 'p-limit';
import { parseJsonl, toJsonl } from '../core/jsonl.js';
import { sha256 } from '../core/digest.js';
import { Sample } from '../datasets/sample.js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { StageResult } from './stage.js';
import type { FrameIndexEntry } from '../training/job.js';
import type { Shard, StageRequest } from './contract.js';
import { parsedOnce } from './parsed-blobs.js';
import type { Split } from '../config/dataset.js';

/** The samples of a run by the digest of their list. */
export const readSamples = parsedOnce(4, (text): readonly Sample[] =>
  parseJsonl(text, 'samples.jsonl').map((row) => Sample.parse(row)),
);

export function ofSplits(samples: readonly Sample[], splits: readonly Split[]): readonly Sample[] {
  return samples.filter((sample) => splits.includes(sample.split));
}

/** The samples of one shard: a slice of its split, in list order. */
export function shardOf(samples: readonly Sample[], shard: Shard): readonly Sample[] {
  const { split } = shard;
  const own = split === 'all' ? samples : ofSplits(samples, [split]);
  return own.slice(shard.index * shard.size, (shard.index + 1) * shard.size);
}

/** A frame index by sample id. */
export const readFrameIndex = parsedOnce(4, (text): ReadonlyMap<string, FrameIndexEntry> => {
  const entries = parseJsonl(text, 'frames.jsonl') as FrameIndexEntry[];
  return new Map(entries.map((entry) => [entry.sampleId, entry]));
});

/** Frame index entries of the given samples, in their order; samples without frames are left out. */
export async function frameEntries(
  store: ArtifactStore,
  frames: string,
  samples: readonly Sample[],
): Promise<FrameIndexEntry[]> {
  const index = await readFrameIndex(store, frames);
  return samples.flatMap((sample) => index.get(sample.id) ?? []);
}

/** What enters a key for a part of a list: the digest of just that part. */
export function partDigest(rows: readonly unknown[]): string {
  return sha256(toJsonl(rows));
}

/** A sharded stage's whole result: its shards' JSONL outputs concatenated in order, metrics summed. */
export async function mergeShards(
  store: ArtifactStore,
  stage: string,
  request: StageRequest,
  names: readonly string[],
): Promise<StageResult> {
  const limit = pLimit(16);
  const parts = await limit.map(request.shards, async (key) => {
    const manifest = await store.manifests.get(stage, key);
    const texts = await Promise.all(names.map((name) => store.blobs.getText(manifest.outputs[name]!.digest)));
    return { texts, metrics: manifest.metrics };
  });
  const metrics: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, value] of Object.entries(part.metrics)) metrics[name] = (metrics[name] ?? 0) + value;
  }
  const texts = names.map((name, index) => [name, parts.map((part) => part.texts[index]!).join('')] as const);
  return {
    outputs: Object.fromEntries(
      texts.map(([name, text]) => [name, { text, mediaType: 'application/jsonl' }]),
    ),
    metrics,
  };
}
