import { expect, it } from 'vitest';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { loadBackend } from '../../policy/backend.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { compileStep } from '../../policy/compile.js';
import { generate } from '../../policy/generate.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { loadParityCase, relativeDifference, unpaddedLogits } from './parity-case.js';

it('the same model runs without the native library, at parity with the reference', async () => {
  const backend = await loadBackend('plain-js');
  expect(backend).toMatchObject({ name: 'plain-js', threads: 1 });
  await expect(loadBackend()).rejects.toThrow(/already runs the plain-js backend/);
  const { tf } = backend;
  const loaded = await loadParityCase(backend, 'grouped-tied');
  const { wanted, policy, batch } = loaded;
  const patches = loaded.patchesOf([...wanted.media.keys()]);
  const inputs = { ...batchTensors(backend, policy.config, batch), patches };
  const vision = policy.vision(patches, batch.layout.segments);
  const logits = await policy.logits(inputs, vision).data<'float32'>();
  const own = unpaddedLogits(loaded, logits, policy.config.vocabSize);
  expect(relativeDifference(own, loaded.output('logits'))).toBeLessThan(1e-4);

  const text = await generate(policy, {
    prompts: wanted.prompts,
    vision,
    media: wanted.media,
    shows: wanted.shows,
    maxTokens: 3,
  });
  expect(text.ids).toEqual(wanted.generated.map((ids) => ids.slice(0, 3)));

  const name = 'model.layers.0.self_attn.k_proj.weight';
  const step = compileStep(backend, {
    state: policy.variables,
    step: (given, read) => {
      // One parameter's gradient is enough to see that the hand-written gradients run here too.
      const { value, grad } = tf.valueAndGrad((weight: Tensor) => {
        const pass = { parameter: (other: string) => (other === name ? weight : read(other)) };
        const seen = policy.vision(given['patches'] as Tensor2D, batch.layout.segments, pass);
        const all = policy.logits(given as typeof inputs, seen, pass);
        return tf.neg(tf.mean(tokenLogProbabilities(backend, all, given['targets']!)));
      })(read(name));
      return {
        outputs: { loss: value, gradient: grad },
        updates: new Map([[name, tf.sub(read(name), grad)]]),
      };
    },
  });
  expect(step.isCompiled).toBe(false);
  const first = step.run(inputs);
  expect((await first['loss']!.data())[0]).toBeCloseTo(wanted.loss, 4);
  const gradient = await first['gradient']!.data();
  expect(relativeDifference(gradient, loaded.gradients.get(name)!)).toBeLessThan(1e-3);
  expect((await step.run(inputs)['loss']!.data())[0]).not.toBeCloseTo(wanted.loss, 4);
});
