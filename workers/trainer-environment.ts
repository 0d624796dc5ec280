import { availableParallelism } from 'node:os';
import { TerminalError } from '../core/errors.js';

/** More than two pay too little for models this small. */
const mostThreads = 2;

/**
 * Environment of the trainer child. Deterministic ops, oneDNN and thread counts are pinned, since they are part of what
 * makes training byte-identical: TensorFlow's own default for oneDNN depends on the processor, and sums over a batch are
 * shared out among threads, so that one thread and two differ in the last bits (the manifest names the count). malloc keeps
 * its memory between steps (measured: 262 -> 220 ms a step of a small decoder), in two arenas: with glibc's eight a core,
 * each keeps what its threads once held at most (measured: resident memory after 150 steps of GRPO 1.033 times that after
 * 50, and 1.001 times with two).
 *
 * With `HINDSIGHT_TRAINER_THREADS=1` trainers that share their processors do not wait for each other's threads (measured:
 * three on two processors, 1.52 -> 1.39 processor seconds a step of reflection SFT).
 *
 * @throws TerminalError `worker.bad-environment`
 */
export function trainerEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const threads = String(trainerThreads(env));
  return {
    OMP_NUM_THREADS: threads,
    TF_NUM_INTRAOP_THREADS: threads,
    TF_NUM_INTEROP_THREADS: '1',
    TF_DETERMINISTIC_OPS: '1',
    TF_ENABLE_ONEDNN_OPTS: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
    MALLOC_MMAP_THRESHOLD_: '1073741824',
    MALLOC_TRIM_THRESHOLD_: '2147483648',
    MALLOC_TOP_PAD_: '268435456',
    MALLOC_ARENA_MAX: '2',
  };
}

function trainerThreads(env: NodeJS.ProcessEnv): number {
  const text = env['HINDSIGHT_TRAINER_THREADS'];
  if (!text) return Math.min(mostThreads, availableParallelism());
  const threads = Number(text);
  if (threads !== 1 && threads !== mostThreads) {
    throw new TerminalError('worker.bad-environment', `HINDSIGHT_TRAINER_THREADS is ${text}`, {
      fix: 'set it to 1 or 2, or not at all',
    });
  }
  return threads;
}
