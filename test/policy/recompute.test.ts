import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { deriveKey, uniformAt } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { batchTensors, type BatchTensors } from '../../policy/batch-tensors.js';
import { compileStep } from '../../policy/compile.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { Policy } from '../../policy/policy.js';
import { tinyConfig, tinyMedia, tinyPrompt, tinySegments } from './tiny.js';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

describe.each(['eager', 'graph'])('recomputation, %s', (kind) => {
  it('gives the same loss and gradients, to all parameters or to some', async () => {
    const { tf } = backend;
    const policy = Policy.initialise(backend, tinyConfig, deriveKey(3, 'recompute'));
    const prepared = prepareBatch(tinyConfig, {
      prompts: [tinyPrompt(8), tinyPrompt(9)],
      completions: [
        [20, 21, 22],
        [23, 24, 25],
      ],
      media: tinyMedia(2),
    });
    const patches = Float32Array.from({ length: 64 * 24 }, (_, i) => uniformAt([1, 2], i) * 2 - 1);
    const inputs = {
      ...batchTensors(backend, tinyConfig, prepared),
      patches: tf.tensor2d(patches, [64, 24]),
    };
    const gradients = async (names: string[], recompute: boolean) => {
      const wanted = new Set(names);
      const step = compileStep(kind === 'graph' ? backend : { ...backend, name: 'plain-js' }, {
        state: policy.variables,
        step: (given, read) => {
          const loss = (...values: Tensor[]) => {
            const byName = new Map(names.map((name, i) => [name, values[i]!]));
            const pass = {
              parameter: (name: string) => byName.get(name) ?? read(name),
              ...(recompute ? { recompute: (name: string) => wanted.has(name) } : {}),
            };
            const seen = policy.vision(given['patches'] as Tensor2D, tinySegments(2), pass);
            const logits = policy.logits(given as unknown as BatchTensors, seen, pass);
            return tf.neg(tf.mean(tokenLogProbabilities(backend, logits, given['targets']!))).asScalar();
          };
          const { value, grads } = tf.valueAndGrads(loss)(names.map(read));
          const named = Object.fromEntries(names.map((name, i) => [`g.${name}`, grads[i]!]));
          return { outputs: { loss: value, ...named }, updates: new Map() };
        },
      });
      const found = step.run(inputs);
      const values = new Map<string, Float32Array>();
      for (const [name, tensor] of Object.entries(found))
        values.set(name, (await tensor.data()) as Float32Array);
      tf.dispose(found);
      step.dispose();
      return values;
    };
    const all = [...policy.variables.keys()];
    const some = all.filter((name) => name.includes('v_proj') || name.includes('blocks.0.mlp'));
    for (const names of [all, some]) {
      const kept = await gradients(names, false);
      const again = await gradients(names, true);
      expect(again.size).toBe(names.length + 1);
      for (const [name, values] of kept) {
        const scale = Math.max(...values.map(Math.abs));
        values.forEach((value, i) =>
          expect(Math.abs(value - again.get(name)![i]!), name).toBeLessThan(1e-5 * scale + 1e-7),
        );
      }
    }
    policy.dispose();
  }, 60_000);
});
