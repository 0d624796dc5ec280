import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rank, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { deriveKey, Random, uniformAt } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { prepareBatch } from '../../policy/batch.js';
import { batchTensors, type BatchTensors } from '../../policy/batch-tensors.js';
import { compileStep } from '../../policy/compile.js';
import { dropOut } from '../../policy/dropout.js';
import { generate } from '../../policy/generate.js';
import { loraNames, loraTargets, moduleName, type LoraConfig } from '../../policy/lora.js';
import { tokenLogProbabilities } from '../../policy/ops.js';
import { Policy, type ForwardPass } from '../../policy/policy.js';
import { tinyConfig, tinyMedia, tinyPrompt, tinySegments } from './tiny.js';

let backend: Backend;
let batch: BatchTensors;
let patches: Tensor2D;
const lora: LoraConfig = { rank: 2, alpha: 6, dropout: 0, targets: ['q_proj', 'v_proj', 'down_proj', 'qkv'] };

beforeAll(async () => {
  backend = await loadBackend();
  const prepared = prepareBatch(tinyConfig, {
    prompts: [tinyPrompt(8), tinyPrompt(9, 10)],
    completions: [
      [20, 21, 22, 23],
      [24, 25],
    ],
    media: tinyMedia(2),
  });
  batch = batchTensors(backend, tinyConfig, prepared);
  const values = Float32Array.from({ length: 64 * 24 }, (_, i) => uniformAt([1, 2], i) * 2 - 1);
  patches = backend.tf.tensor2d(values, [64, 24]);
});
afterAll(() => backend.tf.dispose([batch, patches]));

const fresh = (): Policy => Policy.initialise(backend, tinyConfig, deriveKey(3, 'lora'));

/** A policy whose adapter has been moved off its neutral start. */
function adapted(config: LoraConfig = lora): Policy {
  const policy = fresh();
  const random = Random.from(5, 'adapter');
  for (const [name, variable] of policy.addAdapter(config, deriveKey(4, 'adapter')).variables) {
    const values = Float32Array.from({ length: variable.size }, () => random.normal() * 0.2);
    if (name.includes('lora_B'))
      backend.tf.tidy(() => variable.assign(backend.tf.tensor(values, variable.shape)));
  }
  return policy;
}

const logitsOf = (policy: Policy, pass: ForwardPass = {}) =>
  backend.tf.tidy(() => policy.logits(batch, policy.vision(patches, tinySegments(2), pass), pass).dataSync());

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < a.length; i++) found = Math.max(found, Math.abs(a[i]! - b[i]!));
  return found;
}

describe('loraTargets', () => {
  it('selects as peft does: last parts of names, a whole regular expression, or all linear layers', () => {
    expect(loraTargets(tinyConfig, ['q_proj'])).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.1.self_attn.q_proj',
    ]);
    // The vision tower's layers of that name count too.
    expect(loraTargets(tinyConfig, ['gate_proj'])).toHaveLength(4);
    expect(loraTargets(tinyConfig, 'model\\.language_model\\..*\\.(k|v)_proj')).toHaveLength(4);
    expect(loraTargets(tinyConfig, '.*visual.*\\.qkv')).toEqual([
      'visual.blocks.0.attn.qkv',
      'visual.blocks.1.attn.qkv',
    ]);
    const all = loraTargets({ ...tinyConfig, tieWordEmbeddings: false }, 'all-linear');
    expect(all).toHaveLength(2 * 7 + 2 * 5 + 2);
    expect(all).not.toContain('lm_head');
    expect(loraTargets({ ...tinyConfig, tieWordEmbeddings: false }, ['lm_head'])).toEqual(['lm_head']);
  });

  it('refuses targets that select nothing or cannot be read', () => {
    expect(() => loraTargets(tinyConfig, ['query'])).toThrow(/select no linear layer/);
    expect(() => loraTargets(tinyConfig, 'q_proj')).toThrow(/select no linear layer/);
    expect(() => loraTargets(tinyConfig, '(')).toThrow(/no regular expression/);
  });

  it('speaks of modules under the names that transformers gives them', () => {
    expect(moduleName('model.layers.0.mlp.up_proj')).toBe('model.language_model.layers.0.mlp.up_proj');
    expect(moduleName('visual.merger.mlp.0')).toBe('model.visual.merger.mlp.0');
    expect(moduleName('lm_head')).toBe('lm_head');
  });
});

describe('an adapter', () => {
  it('changes nothing at first, and can be left out later', () => {
    const policy = fresh();
    const plain = logitsOf(policy);
    policy.addAdapter(lora, deriveKey(1, 'x'));
    expect(worst(logitsOf(policy), plain)).toBeLessThan(2e-5);
    policy.dispose();
    const moved = adapted();
    expect(worst(logitsOf(moved), plain)).toBeGreaterThan(0.01);
    expect(worst(logitsOf(moved, { adapterPrefix: null }), plain)).toBeLessThan(2e-5);
    moved.dispose();
  });

  it('gives the same logits and text unmerged and merged', async () => {
    const { tf } = backend;
    const policy = adapted({ ...lora, targets: 'all-linear' });
    const unmerged = logitsOf(policy);
    const prompts = Array.from({ length: 10 }, (_, i) => tinyPrompt(8 + i));
    const text = async () => {
      const vision = policy.vision(patches, tinySegments(2));
      const shows = prompts.map((_, i) => [i % 2]);
      const out = await generate(policy, { prompts, vision, media: tinyMedia(2), shows, maxTokens: 12 });
      vision.dispose();
      return out;
    };
    const before = await text();
    policy.mergeAdapter();
    expect(policy.adapter).toBeNull();
    expect(worst(logitsOf(policy), unmerged)).toBeLessThan(1e-4);
    const after = await text();
    expect(after.ids).toEqual(before.ids);
    before.logProbs.forEach((row, i) => expect(worst(row, after.logProbs[i]!)).toBeLessThan(1e-4));
    policy.dispose();
    expect(() => policy.parameter('model.layers.0.self_attn.q_proj.lora_A.weight')).toThrow(/no parameter/);
    expect(tf.memory().numTensors).toBeGreaterThan(0);
  });

  it('takes gradients that agree with differences of the loss', () => {
    const { tf } = backend;
    const policy = adapted();
    const names = [...policy.adapter!.variables.keys()];
    const loss = (...values: Tensor[]) => {
      const given = new Map(names.map((name, i) => [name, values[i]!]));
      const pass = { parameter: (name: string) => given.get(name) ?? policy.parameter(name) };
      const logits = policy.logits(batch, policy.vision(patches, tinySegments(2), pass), pass);
      const logp = tokenLogProbabilities(backend, logits, batch.targets);
      return tf.neg(tf.sum(tf.mul(logp, batch.mask))).asScalar();
    };
    const start = names.map((name) => policy.adapter!.variables.get(name)!);
    const { grads } = tf.valueAndGrads(loss)(start);
    const random = Random.from(9, 'direction');
    // Along a random direction of all parameters, with a step that float32 can see.
    const directions = start.map((v) =>
      tf.tensor(
        Float32Array.from({ length: v.size }, () => random.normal()),
        v.shape,
      ),
    );
    const along = tf.addN(grads.map((g, i) => tf.sum(tf.mul(g, directions[i]!)))).dataSync()[0]!;
    const at = (step: number) =>
      loss(...start.map((v, i) => tf.add(v, tf.mul(directions[i]!, step)))).dataSync()[0]!;
    const step = 2e-4;
    expect((at(step) - at(-step)) / (2 * step) / along).toBeCloseTo(1, 2);
    policy.dispose();
  });

  it('drops inputs of its own part only, the same ones for the same seed, also when layers are recomputed', () => {
    const { tf } = backend;
    const policy = adapted({ ...lora, dropout: 0.4 });
    const seeds = [1, 1, 2].map((n) => tf.tensor1d([n, 7], 'int32'));
    const [a, b, c] = seeds.map((dropoutSeed) => logitsOf(policy, { dropoutSeed }));
    expect(worst(a!, b!)).toBe(0);
    expect(worst(a!, c!)).toBeGreaterThan(1e-3);
    expect(worst(logitsOf(policy), a!)).toBeGreaterThan(1e-3);
    const again = logitsOf(policy, { dropoutSeed: seeds[0]!, recompute: () => true });
    expect(worst(again, a!)).toBe(0);
    tf.dispose(seeds);
    policy.dispose();
  });

  it('names its two matrices as peft does', () => {
    expect(loraNames('lm_head')).toEqual({ a: 'lm_head.lora_A.weight', b: 'lm_head.lora_B.weight' });
  });
});

describe('dropOut', () => {
  it('keeps the mean, and draws the same in a graph as eagerly', async () => {
    const { tf } = backend;
    const x = tf.ones<Rank.R2>([200, 50]);
    const seed = tf.tensor1d([3, 4], 'int32');
    const eager = await dropOut(backend, x, 0.25, seed, 2).data();
    expect(Array.from(eager).reduce((sum, v) => sum + v, 0) / eager.length).toBeCloseTo(1, 1);
    expect(new Set(eager)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    const step = compileStep(backend, {
      state: new Map(),
      step: (inputs) => ({
        outputs: { y: dropOut(backend, inputs['x'] as Tensor2D, 0.25, inputs['seed']!, 2) },
        updates: new Map(),
      }),
    });
    expect([...(await step.run({ x, seed })['y']!.data())]).toEqual([...eager]);
    const other = await dropOut(backend, x, 0.25, seed, 3).data();
    expect([...other]).not.toEqual([...eager]);
    step.dispose();
  });
});
