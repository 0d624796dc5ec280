import type { ArtifactStore } from '../artifacts/artifact-store.js';

/**
 * Reads blobs as `parse` understands them, each digest once: shards of a stage ask for the same long list hundreds of
 * times. The last `most` results stay in memory, so they must not be changed.
 */
export function parsedOnce<T>(
  most: number,
  parse: (text: string) => T,
): (store: ArtifactStore, digest: string) => Promise<T> {
  // A map keeps the order of insertion: the first is what nobody asked for the longest.
  const known = new Map<string, Promise<T>>();
  return (store, digest) => {
    const parsed = known.get(digest) ?? store.blobs.getText(digest).then(parse);
    known.delete(digest);
    known.set(digest, parsed);
    if (known.size > most) known.delete(known.keys().next().value!);
    // A failed read is no result: the next one tries again.
    parsed.catch(() => {
      if (known.get(digest) === parsed) known.delete(digest);
    });
    return parsed;
  };
}
