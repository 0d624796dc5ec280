import type { Manifest } from '../artifacts/manifest.js';
import { findResult } from '../artifacts/find-result.js';
import type { Services } from './stage.js';

/**
 * The finished result under a key, if all of it is there. A damaged one is taken out of use, with a line for the log, so
 * that the stage runs again instead of failing for ever.
 */
export async function reusable(
  { store }: Pick<Services, 'store'>,
  stage: string,
  key: string,
  log: (line: string) => void,
): Promise<Manifest | null> {
  const found = await findResult(store, stage, key);
  if (found === null) return null;
  if (found.manifest !== null) return found.manifest;
  await store.manifests.remove(stage, key);
  log(`${found.damage}; it is taken out of use and ${stage} runs again`);
  return null;
}
