import type { ArtifactStore } from './artifact-store.js';
import { isDamage } from './damage.js';
import type { Manifest } from './manifest.js';

/** A finished stage as the store has it: whole, or why it cannot be used, or `null` where it never finished. */
export type FoundResult =
  | { readonly manifest: Manifest; readonly damage: null }
  | { readonly manifest: null; readonly damage: string };

/**
 * Looks a finished stage up. One whose manifest is damaged, or that refers to a blob known to be lost (itself or through
 * its shards), is told as damaged: it has to run again.
 */
export async function findResult(
  store: ArtifactStore,
  stage: string,
  key: string,
): Promise<FoundResult | null> {
  try {
    const manifest = await store.manifests.find(stage, key);
    if (manifest === null) return null;
    const lost = await store.blobs.lost.list();
    const digest = lost.size === 0 ? null : await lostBlobOf(store, manifest, lost);
    if (digest === null) return { manifest, damage: null };
    return {
      manifest: null,
      damage: `${store.manifests.address(stage, key)} refers to the lost blob ${digest}`,
    };
  } catch (error) {
    if (isDamage(error)) return { manifest: null, damage: error.message };
    throw error;
  }
}

async function lostBlobOf(
  store: ArtifactStore,
  manifest: Manifest,
  lost: ReadonlySet<string>,
): Promise<string | null> {
  const own = [...Object.values(manifest.outputs).map(({ digest }) => digest), ...manifest.blobs];
  const found = own.find((digest) => lost.has(digest));
  if (found !== undefined) return found;
  for (const name of manifest.shards) {
    const [stage, key] = shardOf(manifest.parts.stage, name);
    const inShard = await lostBlobOf(store, await store.manifests.get(stage, key), lost);
    if (inShard !== null) return inShard;
  }
  return null;
}

/** Shards of a stage are listed by key, those of `ingest` are probes; `report` lists `<stage>/<key>`. */
function shardOf(stage: string, name: string): readonly [stage: string, key: string] {
  const slash = name.indexOf('/');
  if (slash >= 0) return [name.slice(0, slash), name.slice(slash + 1)];
  return [stage === 'ingest' ? 'probe' : stage, name];
}
