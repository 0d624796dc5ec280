import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint, writeCheckpoint } from '../../training/checkpoint.js';
import { loadCheckpoint, saveCheckpoint } from '../../training/checkpoint-policy.js';
import { GrpoTrainer } from '../../training/grpo-trainer.js';
import { trainerTuning } from '../../training/model-tuning.js';
import type { GrpoSteps } from './grpo-steps.js';
import type { Checkpointed } from './protocol.js';

/**
 * Saves policy and optimizer state as a job does, flushed to the disk, and restores them as a job that goes on does: up
 * to a policy and a trainer that hold them. The compilation that the first step then pays for is not part of either.
 */
export async function timeCheckpoint({ job, loaded, trainer }: GrpoSteps): Promise<Checkpointed> {
  const digest = 'bench';
  const start = performance.now();
  const tensors = await trainer.state();
  const folder = await writeCheckpoint(
    job.workDir,
    { phase: 'grpo', step: 1, job: digest },
    { saveModel: (to) => saveCheckpoint(loaded, to, job.base), tensors, texts: {} },
  );
  const saved = performance.now();
  const checkpoint = await readCheckpoint(folder, digest);
  const { policy } = await loadCheckpoint(loaded.policy.backend, checkpoint.model, job.base);
  const tuning = trainerTuning(job);
  const restored = new GrpoTrainer(policy, null, job.params, { stored: checkpoint.tensors, tuning });
  const ready = performance.now();
  restored.dispose();
  policy.dispose();
  return {
    saveMilliseconds: saved - start,
    restoreMilliseconds: ready - saved,
    modelBytes: await bytesBelow(checkpoint.model),
    stateBytes: (await stat(join(folder, 'state.safetensors'))).size,
  };
}

async function bytesBelow(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}
