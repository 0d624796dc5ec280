/**
 * Makes the training steps of one case in a process of its own and says how much memory they took at most:
 * `node --expose-gc child.js measure CASE FOLDER`, with
 * the case as JSON and a model that `child.js write CASE FOLDER` wrote, in a trainer's environment.
 */
import { deriveKey, Random } from '../../core/random.js';
import { loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { adapterConfig } from '../../training/checkpoint-policy.js';
import { givenPatches, type VideoPatches } from '../../training/video-patches.js';
import { GrpoTrainer, type ScoredRollout } from '../../training/grpo-trainer.js';
import { freshAdapter } from '../../policy/lora.js';
import { trainerTuning } from '../../training/model-tuning.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import { grpoParams, sftOptimizer, type MemoryCase } from './cases.js';
import type { MeasuredMemory } from './protocol.js';
import { residentMemory, resetPeak } from './resident-memory.js';

const steps = 3;

async function measure(of: MemoryCase, folder: string): Promise<MeasuredMemory> {
  const backend = await loadBackend();
  const { tf } = backend;
  // The library starts its threads and its matrix products at their first use.
  const warm = tf.tidy(() => tf.matMul(tf.ones([256, 256]), tf.ones([256, 256])));
  await warm.data();
  warm.dispose();
  globalThis.gc?.();
  const { now } = residentMemory();
  resetPeak();
  const policy = await Policy.load(backend, folder);
  const lora = adapterConfig(of.model, of.tuning);
  if (lora !== null) policy.addAdapter(lora, deriveKey(1, 'bench', 'adapter'));
  globalThis.gc?.();
  const random = Random.from(1, 'bench', 'tokens');
  const words = (count: number): number[] =>
    Array.from({ length: count }, () => 10 + random.integer(of.model.vocabSize - 10));
  const { t, h, w } = of.grid;
  const placeholders = (t * h * w) / of.model.vision.spatialMergeSize ** 2;
  const { tokens } = of.model;
  const prompt = [
    ...words(of.prompt - placeholders - 2),
    tokens.visionStart,
    ...Array<number>(placeholders).fill(tokens.video),
    tokens.visionEnd,
  ];
  const video = (): VideoPatches =>
    givenPatches(
      of.grid,
      Float32Array.from({ length: t * h * w * 3 * 2 * 14 * 14 }, () => random.uniform(-1, 1)),
    );
  const tuning = trainerTuning({ kind: 'bench', seed: 1, tuning: of.tuning });
  if (of.work === 'sft') {
    const trainer = new SupervisedTrainer(policy, of.rows, sftOptimizer, { stored: null, tuning });
    for (let step = 0; step < steps; step++) {
      const sequences = Array.from({ length: of.rows }, (): SupervisedSequence => {
        const completion = words(of.completion);
        return {
          prompt,
          completion,
          learnt: completion.map(() => 1),
          video: video(),
          longest: of.prompt + of.completion,
        };
      });
      await trainer.step(sequences, 1e-4);
    }
  } else {
    const params = grpoParams(of.completion, of.rows);
    const reference =
      lora === null
        ? await Policy.load(backend, folder)
        : freshAdapter(backend, of.model, lora, deriveKey(1, 'bench', 'reference'));
    const trainer = new GrpoTrainer(policy, reference, params, { stored: null, tuning });
    for (let step = 0; step < steps; step++) {
      const rollouts = Array.from({ length: of.rows }, (_, row): ScoredRollout => {
        const completion = words(of.completion);
        const logProbs = completion.map(() => -8);
        return { prompt, completion, logProbs, advantage: row % 2 === 0 ? 1 : -1, counts: true, video: 0 };
      });
      await trainer.update(rollouts, [video()], of.rows, 1e-4);
    }
  }
  return { peak: residentMemory().peak - now, backend: backend.name };
}

/** A random model of the case's shape, so that the process that is measured loads one as a training job does. */
async function write(of: MemoryCase, folder: string): Promise<void> {
  const policy = Policy.initialise(await loadBackend(), of.model, deriveKey(1, 'bench', 'weights'));
  await policy.save(folder, trainWordTokenizer([]));
}

const [, , what, json, folder] = process.argv;
const of = JSON.parse(json!) as MemoryCase;
if (what === 'write') await write(of, folder!);
else process.stdout.write(`${JSON.stringify(await measure(of, folder!))}\n`);
