import { canonicalJson } from '../core/canonical-json.js';
import { sha256, sha256File } from '../core/digest.js';
import type { TrainerJob } from './job.js';
import type { ModelTuning } from './model-tuning.js';

/**
 * Digest of all that decides a training job's numbers: its parameters, seed and texts, and the bytes of its input files,
 * but no path. A checkpoint carries it, so that none is continued under other conditions.
 */
export async function jobDigest(job: TrainerJob, inputs: readonly string[]): Promise<string> {
  const { kind, seed, frames, prompts } = job;
  const files = await Promise.all(inputs.map((path) => sha256File(path)));
  const own =
    job.kind === 'answer'
      ? { checkpoint: job.checkpointDigest, sampleIds: job.sampleIds, sampling: job.sampling }
      : {
          params: job.params,
          ...(isPlain(job.tuning) ? {} : { tuning: { ...job.tuning } }),
          ...(job.kind === 'sft' ? { model: job.model, extraWords: job.extraWords } : {}),
          ...(job.kind === 'grpo' ? { epoch: job.epoch } : {}),
        };
  const base = job.base === null ? {} : { base: job.base.revision };
  return sha256(canonicalJson({ kind, seed, frames, prompts: { ...prompts }, files, ...base, ...own }));
}

/** As models from scratch are trained. */
function isPlain({ lora, freezeVision, recompute }: ModelTuning): boolean {
  return lora === null && !freezeVision && !recompute;
}
