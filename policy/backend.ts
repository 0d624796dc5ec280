import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type * as tensorflow from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import { useGather, useMatMul } from './kernels.js';
import type { NativeBackend } from './native.js';

/** The whole library as one value, which every kernel package extends. */
export type TensorFlow = typeof tensorflow;

/** TensorFlow.js with the kernels it runs on, chosen once per process. */
export interface Backend {
  readonly tf: TensorFlow;
  readonly name: 'tensorflow-cpu' | 'tensorflow-cuda' | 'plain-js';
  /** Threads that one operation may use. */
  readonly threads: number;
  /** Library versions and switches that decide the last bits of a result. */
  readonly versions: Readonly<Record<string, string>>;
  /** Why the native library is not used; absent when it is, or when plain JavaScript was asked for. */
  readonly reason?: string;
  /** Bytes held by live tensors. */
  memory(): number;
}

let loading: { kind: 'auto' | 'plain-js'; backend: Promise<Backend> } | undefined;

/**
 * Loads TensorFlow.js: `auto` takes the native library (CUDA when the library sees a device) and falls back to plain
 * JavaScript with the {@link Backend.reason}. One kind per process, since TensorFlow.js has one engine; asking for
 * the other kind afterwards is a TerminalError `policy.backend-chosen`.
 */
export function loadBackend(kind: 'auto' | 'plain-js' = 'auto'): Promise<Backend> {
  if (loading !== undefined && loading.kind !== kind) {
    const message = `this process already runs the ${loading.kind} backend, and was asked for ${kind}`;
    return Promise.reject(new TerminalError('policy.backend-chosen', message));
  }
  loading ??= { kind, backend: kind === 'auto' ? loadAuto() : loadPlain() };
  return loading.backend;
}

const threadCount = (): number => {
  const asked = Number(process.env['TF_NUM_INTRAOP_THREADS'] ?? process.env['OMP_NUM_THREADS'] ?? 0);
  return Number.isInteger(asked) && asked > 0 ? asked : availableParallelism();
};

async function loadAuto(): Promise<Backend> {
  let tf: TensorFlow;
  try {
    const require = createRequire(import.meta.url);
    tf = quietly(() => require('@tensorflow/tfjs-node-gpu') as TensorFlow);
  } catch (error) {
    return loadPlain(error instanceof Error ? error.message.split('\n')[0] : String(error));
  }
  // Batches lie outside V8's heap but count towards its limit: with the limit it chooses by itself, it marks everything alive,
  // over 100 MB, three times in a training step (docs/decisions/0009). Now it waits for twice as much garbage.
  setFlagsFromString('--heap-growing-percent=200');
  await tf.setBackend('tensorflow');
  useMatMul(tf);
  useGather(tf);
  const { binding } = tf.backend() as unknown as NativeBackend;
  return {
    tf,
    name: binding.isUsingGpuDevice() ? 'tensorflow-cuda' : 'tensorflow-cpu',
    threads: threadCount(),
    versions: {
      tfjs: tf.version.tfjs,
      tensorflow: binding.TF_Version,
      // Unset, TensorFlow decides by the processor. Trainers pin it.
      oneDNN: process.env['TF_ENABLE_ONEDNN_OPTS'] ?? 'by processor',
    },
    memory: () => tf.memory().numBytes,
  };
}

async function loadPlain(reason?: string): Promise<Backend> {
  const tf = await import('@tensorflow/tfjs');
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
  const plain: Backend = {
    tf,
    name: 'plain-js',
    threads: 1,
    versions: { tfjs: tf.version.tfjs },
    memory: () => tf.memory().numBytes,
  };
  return reason === undefined ? plain : { ...plain, reason };
}

/**
 * Runs a synchronous load with the C++ library's log lines dropped. The level variable removes most; the lines that
 * are logged before its logger is set up go straight to descriptor 2, which is pointed at the null device meanwhile
 * (where the descriptor can be opened again, so not for sockets). HINDSIGHT_DEBUG keeps everything.
 */
function quietly<T>(load: () => T): T {
  if (process.env['HINDSIGHT_DEBUG']) return load();
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  let saved: number;
  try {
    saved = openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_APPEND);
  } catch {
    return load();
  }
  const redirect = (path: string) => {
    closeSync(2);
    openSync(path, constants.O_WRONLY | constants.O_APPEND);
  };
  redirect('/dev/null');
  try {
    return load();
  } finally {
    redirect(`/proc/self/fd/${saved}`);
    closeSync(saved);
  }
}
