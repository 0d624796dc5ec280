import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { ResolvedConfig } from '../config/schema.js';

const known = new Map<string, ResolvedConfig>();

/** The resolved config of a run by its blob digest; it was validated before the run started, and its digest is verified. */
export async function readConfig(store: ArtifactStore, digest: string): Promise<ResolvedConfig> {
  const cached = known.get(digest);
  if (cached !== undefined) return cached;
  const config = JSON.parse(await store.blobs.getText(digest)) as ResolvedConfig;
  if (known.size > 16) known.clear();
  known.set(digest, config);
  return config;
}
