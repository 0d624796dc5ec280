import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '@tensorflow/tfjs';
import { packageRoot } from '../../core/package-root.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { batchTensors } from '../../policy/batch-tensors.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { z } from 'zod';

const Case = z.object({
  grid: z.tuple([z.number(), z.number(), z.number()]),
  rows: z.number(),
  prompt: z.number(),
  ids: z.array(z.array(z.number())),
  positions: z.array(z.array(z.array(z.number()))),
  loss: z.number(),
  generated: z.array(z.array(z.number())),
  margin: z.array(z.array(z.number())),
  gradients: z.record(z.string(), z.tuple([z.number(), z.number()])),
});

/** Outputs of transformers 4.57.6, see scripts/fixtures/policy_parity.py. */
const fixtures = join(packageRoot, 'test/fixtures/policy');

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

const worst = (got: ArrayLike<number>, wanted: Float32Array): number => {
  expect(got.length).toBe(wanted.length);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < wanted.length; i++) {
    difference = Math.max(difference, Math.abs(got[i]! - wanted[i]!));
    scale = Math.max(scale, Math.abs(wanted[i]!));
  }
  return difference / scale;
};

describe.each(['grouped-tied', 'partial-windows-untied'])('parity with transformers: %s', (name) => {
  const folder = join(fixtures, name);
  const wanted = Case.parse(JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')));
  const grid = { t: wanted.grid[0], h: wanted.grid[1], w: wanted.grid[2] };

  const load = async () => {
    const policy = await Policy.load(backend, folder);
    const outputs = await SafetensorsFile.open(join(folder, 'outputs.safetensors'));
    const shape = outputs.tensors.get('patches')!.shape as [number, number];
    const patches = backend.tf.tensor2d(await outputs.read('patches'), shape);
    const batch = prepareBatch(policy.config, {
      prompts: wanted.ids.map((row) => row.slice(0, wanted.prompt)),
      completions: wanted.ids.map((row) => row.slice(wanted.prompt)),
      media: Array.from({ length: wanted.rows }, () => ({ kind: 'video' as const, grid })),
    });
    return { policy, outputs, patches, batch };
  };

  it('gives the same positions, vision embeddings, logits, loss and gradients', async () => {
    const { policy, outputs, patches, batch } = await load();
    const { tf } = backend;
    expect([...batch.positions]).toEqual(wanted.positions.flat(2));
    const tensors = batchTensors(backend, policy.config, batch);

    const vision = policy.vision(patches, batch.layout.segments);
    expect(worst(await vision.data(), await outputs.read('vision'))).toBeLessThan(1e-5);
    const logits = policy.logits(tensors, vision);
    expect(worst(await logits.data(), await outputs.read('logits'))).toBeLessThan(1e-4);

    const names = [...policy.variables.keys()];
    const loss = (...values: Tensor[]) => {
      const read = (parameter: string) => values[names.indexOf(parameter)]!;
      const seen = policy.vision(patches, batch.layout.segments, { parameter: read });
      const logp = tokenLogProbabilities(
        backend,
        policy.logits(tensors, seen, { parameter: read }),
        tensors.targets,
      );
      return tf.neg(tf.mean(logp));
    };
    const { value, grads } = tf.valueAndGrads(loss)([...policy.variables.values()]);
    expect((await value.data())[0]).toBeCloseTo(wanted.loss, 4);
    for (const [i, parameter] of names.entries()) {
      const gradient = await grads[i]!.data();
      const [norm, projection] = wanted.gradients[parameter]!;
      let squares = 0;
      let along = 0;
      for (let j = 0; j < gradient.length; j++) {
        squares += gradient[j]! ** 2;
        along += gradient[j]! * Math.cos(j * 1.7 + 0.3);
      }
      const tolerance = 1e-3 * Math.max(norm, 1e-4);
      expect(Math.abs(Math.sqrt(squares) - norm), `${parameter} norm`).toBeLessThan(tolerance);
      expect(Math.abs(along - projection), `${parameter} projection`).toBeLessThan(tolerance);
    }
    tf.dispose([value, grads, logits, vision, tensors, patches]);
    policy.dispose();
    await outputs.close();
  });
});
