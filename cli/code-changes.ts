import { stageCode } from '../activities/code-digest.js';
import type { Stage } from '../activities/stage.js';
import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { Producer } from '../artifacts/manifest.js';

/**
 * Files behind a stage that changed since a result was made, without extension; null when none did, and empty when it is
 * not known which: the result is of before they were recorded.
 */
export async function changedCode(
  store: ArtifactStore,
  stage: Stage,
  { code, files }: Pick<Producer, 'code' | 'files'>,
): Promise<readonly string[] | null> {
  const now = await stageCode(stage);
  if (code === now.digest) return null;
  if (files === null) return [];
  const then = JSON.parse(await store.blobs.getText(files)) as Readonly<Record<string, string>>;
  return changedFiles(new Map(Object.entries(then)), now.files);
}

/** Names that are in one of the lists only, or in both with other digests; sorted, without extension. */
export function changedFiles(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const changed = names.filter((name) => before.get(name) !== after.get(name));
  return [...new Set(changed.map((name) => name.replace(/\.[jt]s$/, '')))].sort();
}
