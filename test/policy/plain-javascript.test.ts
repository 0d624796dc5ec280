import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { packageRoot } from '../../core/package-root.js';
import { loadBackend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { compileStep } from '../../policy/compile.js';
import { generate } from '../../policy/generate.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile } from '../../policy/safetensors.js';

it('the same model runs without the native library, at parity with the reference', async () => {
  const backend = await loadBackend('plain-js');
  expect(backend).toMatchObject({ name: 'plain-js', threads: 1 });
  await expect(loadBackend()).rejects.toThrow(/already runs the plain-js backend/);
  const { tf } = backend;
  const folder = join(packageRoot, 'test/fixtures/policy/grouped-tied');
  const wanted = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as {
    grid: [number, number, number];
    rows: number;
    prompt: number;
    ids: number[][];
    loss: number;
    generated: number[][];
    gradients: Record<string, [number, number]>;
  };
  const grid = { t: wanted.grid[0], h: wanted.grid[1], w: wanted.grid[2] };
  const policy = await Policy.load(backend, folder);
  const outputs = await SafetensorsFile.open(join(folder, 'outputs.safetensors'));
  const reference = await outputs.read('logits');
  const shape = outputs.tensors.get('patches')!.shape as [number, number];
  const patches = tf.tensor2d(await outputs.read('patches'), shape);
  await outputs.close();
  const prompts = wanted.ids.map((row) => row.slice(0, wanted.prompt));
  const media = prompts.map(() => ({ kind: 'video' as const, grid }));
  const batch = prepareBatch(policy.config, {
    prompts,
    completions: wanted.ids.map((row) => row.slice(wanted.prompt)),
    media,
  });
  const inputs = { ...batchTensors(backend, policy.config, batch), patches };
  const vision = policy.vision(patches, batch.layout.segments);
  const logits = await policy.logits(inputs, vision).data();
  const scale = Math.max(...reference.map(Math.abs));
  reference.forEach((value, i) => expect(Math.abs(logits[i]! - value)).toBeLessThan(1e-4 * scale));

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
        outputs: { loss: value, norm: tf.norm(grad) },
        updates: new Map([[name, tf.sub(read(name), grad)]]),
      };
    },
  });
  expect(step.isCompiled).toBe(false);
  const first = step.run(inputs);
  expect((await first['loss']!.data())[0]).toBeCloseTo(wanted.loss, 4);
  expect((await first['norm']!.data())[0]! / wanted.gradients[name]![0]).toBeCloseTo(1, 3);
  expect((await step.run(inputs)['loss']!.data())[0]).not.toBeCloseTo(wanted.loss, 4);

  const fresh = await Policy.load(backend, folder);
  const text = await generate(fresh, {
    prompts,
    vision: fresh.vision(patches, batch.layout.segments),
    media,
    maxTokens: 3,
  });
  expect(text.ids).toEqual(wanted.generated.map((ids) => ids.slice(0, 3)));
});
