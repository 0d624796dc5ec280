import type { ArtifactStore } from '../artifacts/artifact-store.js';
import type { KeyParts, Manifest } from '../artifacts/manifest.js';

/** Manifests of a stage looked at for the nearest one; more would make a plan slow without making it clearer. */
const most = 40;

/**
 * Why a stage has to run: which parts of its key differ from those of the most similar result in the store, e.g.
 * `grpo.beta: 0.04 -> 0.1`.
 */
export async function explainDifference(store: ArtifactStore, parts: KeyParts): Promise<string> {
  const names = await store.objects.list(`stages/${parts.stage}/`);
  let nearest: string[] | null = null;
  for (const name of names.slice(-most)) {
    const key = name.slice(`stages/${parts.stage}/`.length, -'.json'.length);
    const manifest: Manifest | null = await store.manifests.find(parts.stage, key).catch(() => null);
    if (manifest === null) continue;
    const found = differences(manifest.parts, parts);
    // Shards and whole results of one stage have different inputs; the nearest is what a person would compare with.
    if (nearest === null || found.length < nearest.length) nearest = found;
  }
  if (nearest === null) return 'never ran with this store';
  const shown = nearest.slice(0, 3).join('; ');
  return nearest.length > 3 ? `${shown}; and ${nearest.length - 3} more` : shown;
}

/** Paths at which two values differ, with both values, e.g. `params.grpo.beta: 0.04 -> 0.1`. */
export function differences(before: unknown, after: unknown, path = ''): string[] {
  if (Object.is(before, after)) return [];
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(before[key], after[key], path === '' ? key : `${path}.${key}`));
  }
  const show = (value: unknown): string => {
    const text = JSON.stringify(value) ?? 'absent';
    return text.length > 24 ? `${text.slice(0, 12)}…` : text;
  };
  return [`${path}: ${show(before)} -> ${show(after)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
