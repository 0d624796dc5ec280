import { availableParallelism } from 'node:os';

/**
 * Environment of the trainer child. Thread counts and deterministic ops are pinned, since they are part of what makes
 * training byte-identical; malloc keeps its memory between steps (measured: 262 -> 220 ms a step of a small decoder).
 */
export function trainerEnvironment(): Record<string, string> {
  const threads = String(Math.min(2, availableParallelism()));
  return {
    OMP_NUM_THREADS: threads,
    TF_NUM_INTRAOP_THREADS: threads,
    TF_NUM_INTEROP_THREADS: '1',
    TF_DETERMINISTIC_OPS: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
    MALLOC_MMAP_THRESHOLD_: '1073741824',
    MALLOC_TRIM_THRESHOLD_: '2147483648',
    MALLOC_TOP_PAD_: '268435456',
  };
}
