import type { Manifest } from '../artifacts/manifest.js';
import type { Rerun } from '../artifacts/rerun.js';
import type { StageRequest } from './contract.js';

/** The rerun that a request asks of a stage. Probing is the sharded part of `ingest`. */
export function rerunOf({ reruns }: Pick<StageRequest, 'reruns'>, stage: string): Rerun | null {
  return reruns?.[stage === 'probe' ? 'ingest' : stage] ?? null;
}

/** Whether a result in the store does not serve, since a rerun wants it made again and has not made it yet. */
export function isAskedAgain(manifest: Manifest, rerun: Rerun | null): boolean {
  if (rerun === null || manifest.producer.rerun === rerun.id) return false;
  return rerun.only === null || rerun.only.some((outcome) => (manifest.metrics[outcome] ?? 0) > 0);
}
