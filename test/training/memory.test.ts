import { expect, it } from 'vitest';
import { optimizerConfig } from '../../config/model.js';
import { deriveKey, Random } from '../../core/random.js';
import { loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { SupervisedTrainer, type SupervisedSequence } from '../../training/supervised.js';
import { givenPatches } from '../../training/video-patches.js';
import { tinyConfig, tinyGrid, tinyPrompt } from '../policy/tiny.js';

/** Four sequences with completions of their own lengths, of one padded shape. */
function batchOf(step: number): SupervisedSequence[] {
  const random = Random.from(step, 'memory');
  return Array.from({ length: 4 }, () => {
    const completion = Array.from({ length: 1 + random.integer(12) }, () => 7 + random.integer(33));
    return {
      prompt: tinyPrompt(8, 9),
      completion,
      learnt: completion.map(() => 1),
      video: givenPatches(
        tinyGrid,
        Float32Array.from({ length: 32 * 24 }, () => random.normal()),
      ),
      longest: 26,
    };
  });
}

it('200 training steps leave no tensor behind and hold no more memory', async () => {
  const backend = await loadBackend();
  const { tf } = backend;
  const policy = Policy.initialise(backend, tinyConfig, deriveKey(8, 'memory'));
  const optimizer = optimizerConfig({ learningRate: 1e-3 }).parse({});
  const trainer = new SupervisedTrainer(policy, 4, optimizer, { stored: null });
  const losses: number[] = [];
  const once = async (step: number) => {
    losses.push((await trainer.step(batchOf(step), 1e-3)).loss);
  };
  // The first steps compile and make the optimizer's state.
  for (let step = 0; step < 2; step++) await once(step);
  const tensors = tf.memory().numTensors;
  const bytes = backend.memory();
  for (let step = 1; step <= 200; step++) {
    await once(step);
    if (step % 20 !== 0) continue;
    expect(tf.memory().numTensors, `after ${step}`).toBe(tensors);
    expect(backend.memory(), `after ${step}`).toBe(bytes);
  }
  expect(losses.every(Number.isFinite)).toBe(true);
  trainer.dispose();
  policy.dispose();
}, 240_000);
