/** Loads the model folder that is named first and runs one forward pass; a process of its own, for its peak. */
import { performance } from 'node:perf_hooks';
import { Random } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { parameterCount } from '../../policy/parameters.js';
import { Policy } from '../../policy/policy.js';
import { residentMemory } from '../memory/resident-memory.js';
import type { LoadMeasurement } from './protocol.js';

/** Four frames of 112 x 168 pixels, sixteen tokens of text around them and eight to predict. */
async function forward(backend: Backend, policy: Policy) {
  const { tf } = backend;
  const { config } = policy;
  const { tokens, vision } = config;
  const grid = { t: 2, h: 8, w: 12 };
  const count = grid.t * grid.h * grid.w;
  const placeholders = new Array<number>(count / vision.spatialMergeSize ** 2).fill(tokens.video);
  const word = (i: number) => 7 + i;
  const words = (from: number, length: number) => Array.from({ length }, (_, i) => word(from + i));
  const prompt = [...words(0, 6), tokens.visionStart, ...placeholders, tokens.visionEnd, ...words(6, 10)];
  const batch = prepareBatch(config, {
    prompts: [prompt],
    completions: [words(16, 8)],
    media: [{ kind: 'video', grid }],
  });
  const random = Random.from(0, 'bench', 'patches');
  const width = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const patches = tf.tensor2d(
    Float32Array.from({ length: count * width }, () => random.normal()),
    [count, width],
  );
  const tensors = batchTensors(backend, config, batch);
  const seen = policy.vision(patches, batch.layout.segments);
  const logits = policy.logits(tensors, seen);
  const values = await logits.data();
  tf.dispose([patches, tensors, seen, logits]);
  let largestLogit = 0;
  let finite = true;
  for (const value of values) {
    largestLogit = Math.max(largestLogit, Math.abs(value));
    finite &&= Number.isFinite(value);
  }
  return { tokens: batch.length, logits: values.length, largestLogit: finite ? largestLogit : 0, finite };
}

const folder = process.argv[2]!;
const backend = await loadBackend();
const residentBefore = residentMemory().now;
const start = performance.now();
const policy = await Policy.load(backend, folder);
const loaded = performance.now();
const peakLoading = residentMemory().peak;
process.stderr.write(`loaded in ${((loaded - start) / 1000).toFixed(1)} s, running one forward pass\n`);
const passed = await forward(backend, policy);
const parameters = parameterCount(policy.config);
const measured: LoadMeasurement = {
  backend: backend.name,
  threads: backend.threads,
  versions: { ...backend.versions },
  parameters,
  float32Bytes: 4 * parameters,
  residentBefore,
  peakLoading,
  peak: residentMemory().peak,
  loadSeconds: (loaded - start) / 1000,
  forwardSeconds: (performance.now() - loaded) / 1000,
  ...passed,
};
process.stdout.write(`${JSON.stringify(measured)}\n`);
