import { splits } from '../../config/dataset.js';
import { toJsonl } from '../../core/jsonl.js';
import type { Warning } from '../../datasets/annotation.js';
import { withoutDuplicates } from '../../datasets/duplicates.js';
import { resolveSample, type ResolvedSample } from '../../datasets/resolve.js';
import type { Reject } from '../../datasets/sample.js';
import { assignSplits } from '../../datasets/splits.js';
import { readCandidates, type Candidate } from '../candidates.js';
import type { Stage } from '../stage.js';
import { probeRows, type ProbeRow } from './probe.js';

/** Candidates and what probing found -> samples in disjoint splits, and rejects with reasons. */
export const ingest: Stage = {
  name: 'ingest',
  version: 1,
  queue: 'control',
  seed: 'data',
  params: ({ config }) => ({ shares: config.dataset.shares, minFrames: config.dataset.minFrames }),
  run: async (context) => {
    const list = await readCandidates(context.services.store, context.input('candidates'));
    const probed = await probeRows(context);
    const rejects: Reject[] = [...list.rejects];
    const warnings: Warning[] = [...list.warnings];
    const resolved: ResolvedSample[] = [];
    for (const candidate of list.candidates) {
      const one = resolve(candidate, candidate.video === null ? undefined : probed.get(candidate.video));
      if ('reject' in one) rejects.push(one.reject);
      else {
        resolved.push(one.resolved);
        warnings.push(...one.warnings);
      }
    }
    const distinct = withoutDuplicates(resolved);
    const assigned = assignSplits(distinct.kept, {
      shares: context.config.config.dataset.shares,
      seed: context.seed,
    });
    rejects.push(...distinct.rejects, ...assigned.rejects);
    warnings.push(...assigned.warnings);
    for (const warning of warnings)
      context.log(`warning ${warning.code} ${warning.from}: ${warning.message}`);
    for (const reject of rejects)
      context.log(`reject ${reject.reason} ${reject.from} ${reject.id}: ${reject.message}`);

    const metrics: Record<string, number> = {
      candidates: list.candidates.length + list.rejects.length,
      samples: assigned.samples.length,
      rejects: rejects.length,
      warnings: warnings.length,
      // Videos that probing rejected: what `--retry rejected` takes up again.
      rejected: [...probed.values()].filter((row) => row.outcome === 'rejected').length,
    };
    for (const split of splits) {
      metrics[`samples.${split}`] = assigned.samples.filter((sample) => sample.split === split).length;
    }
    for (const { reason } of rejects) metrics[`rejects.${reason}`] = (metrics[`rejects.${reason}`] ?? 0) + 1;
    return {
      outputs: {
        samples: { text: toJsonl(assigned.samples), mediaType: 'application/jsonl' },
        rejects: { text: toJsonl(rejects), mediaType: 'application/jsonl' },
        warnings: { text: toJsonl(warnings), mediaType: 'application/jsonl' },
      },
      metrics,
    };
  },
};

function resolve(
  { annotation, file, video }: Candidate,
  row: ProbeRow | undefined,
): ReturnType<typeof resolveSample> {
  const { id, from } = annotation;
  if (video === null || row === undefined) {
    return {
      reject: {
        id,
        from,
        reason: 'missing-file',
        message: `there is no file ${file} where the annotation says`,
      },
    };
  }
  if (row.outcome === 'rejected') {
    return { reject: { id, from, reason: row.reason, message: `${file}: ${row.message}` } };
  }
  // The importer knows a path that no machine but its own has; a sample does without.
  return resolveSample(
    { ...annotation, path: file },
    { digest: video, frames: row.frames, fps: row.fps, width: row.width, height: row.height },
  );
}
