// Loads TensorFlow, multiplies matrices, checks the product, and prints one JSON line. Runs in a process of its own,
// because a library that does not fit ends the process. Used by set-up and by `hindsight doctor`.
// Usage: node probe-backend.mjs [SIZE]
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
const size = Number(process.argv[2] ?? 1024);
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';

const tf = require('@tensorflow/tfjs-node-gpu');
await tf.ready();
const a = tf.fill([size, size], 0.5);
const b = tf.fill([size, size], 2);
let best = Infinity;
let corner = 0;
for (let i = 0; i < 4; i++) {
  const since = performance.now();
  const product = tf.matMul(a, b);
  corner = (await product.data())[size * size - 1];
  best = Math.min(best, performance.now() - since);
  product.dispose();
}
if (corner !== size) throw new Error(`wrong product: ${corner} instead of ${size}`);
const version = tf.backend().binding?.TF_Version ?? 'unknown';
process.stdout.write(
  JSON.stringify({
    backend: tf.getBackend(),
    tensorflow: version,
    gpu: tf.backend().isUsingGpuDevice === true,
    gflops: Math.round((2 * size ** 3) / (best * 1e6)),
  }) + '\n',
);
