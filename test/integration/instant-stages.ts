import type { ActivityInterface } from '../../activities/index.js';
import { stageNames, type StageRef, type StageRequest } from '../../activities/contract.js';
import { DatasetConfig } from '../../config/dataset.js';
import { canonicalJson, type Json } from '../../core/canonical-json.js';
import { sha256 } from '../../core/digest.js';
import { recordedResults } from './recorded-results.js';

/**
 * Activities that answer at once, with references of the size and form that a real run's activities returned: everything
 * of a run but its work. `ingest` finds `samples` samples in the default shares; `stored` says which whole stages the store
 * has.
 */
export function instantStages(
  samples: number,
  stored: (request: StageRequest) => boolean,
): ActivityInterface {
  const recorded = recordedResults();
  const answer = (stage: string, request: StageRequest): StageRef => {
    // No history on record has variants, which are what there is to compare.
    const found =
      stage === 'compare'
        ? { ...recorded.get('evaluate')!, stage, outputs: { comparison: '' } }
        : recorded.get(request.shard === null ? stage : `${stage}/shard`);
    if (found === undefined) throw new Error(`no history on record has ${stage}`);
    const fresh = (part: string): string => sha256(canonicalJson([stage, part, request] as unknown as Json));
    const key = fresh('key');
    return {
      ...found,
      key,
      manifest: found.manifest.replaceAll(found.key, key),
      outputs: Object.fromEntries(Object.keys(found.outputs).map((name) => [name, fresh(name)])),
      metrics: stage === 'ingest' ? countsOf(samples) : found.metrics,
    };
  };
  const stages = Object.fromEntries(
    [...stageNames, 'probe'].map((name) => [
      name,
      (request: StageRequest) => Promise.resolve(answer(name, request)),
    ]),
  ) as Omit<ActivityInterface, 'lookup' | 'recordRun' | 'listVideos'>;
  return {
    ...stages,
    lookup: ({ stage, request }) =>
      Promise.resolve(stored(request) ? { ...answer(stage, request), outcome: 'reused' } : null),
    recordRun: () => Promise.resolve(),
    listVideos: ({ config }) =>
      Promise.resolve({ candidates: sha256(`candidates ${config}`), count: samples }),
  };
}

/** What `ingest` counts, in the default shares. */
function countsOf(samples: number): Record<string, number> {
  const shares = DatasetConfig.shape.shares.parse(undefined);
  const rejects = Math.floor(samples / 20);
  return {
    candidates: samples + rejects,
    samples,
    rejects,
    warnings: 0,
    'rejects.too-short': rejects,
    ...Object.fromEntries(
      Object.entries(shares).map(([split, share]) => [`samples.${split}`, Math.round(share * samples)]),
    ),
  };
}
