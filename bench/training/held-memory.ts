import type { Backend } from '../../policy/backend.js';
import type { GrpoJob } from '../../training/job.js';
import { runJob } from '../../training/run-job.js';
import { residentMemory } from '../memory/resident-memory.js';
import type { Held } from './protocol.js';

/**
 * Runs a GRPO job, whole and as it is, up to the last of some steps, and says what the process holds after each of them,
 * garbage collected.
 */
export async function heldMemory(backend: Backend, job: GrpoJob, look: readonly number[]): Promise<Held[]> {
  const stepsPerEpoch = Math.max(...look);
  const params = { ...job.params, stepsPerEpoch, checkpointEvery: stepsPerEpoch };
  const held: Held[] = [];
  await runJob({ ...job, params }, backend, {
    emit: (event) => {
      if (event.type !== 'progress' || !look.includes(event.step)) return;
      globalThis.gc?.();
      const { numTensors, numBytes } = backend.tf.memory();
      held.push({
        step: event.step,
        residentBytes: residentMemory().now,
        tensors: numTensors,
        tensorBytes: numBytes,
      });
    },
    stopRequested: () => false,
  });
  return held;
}
