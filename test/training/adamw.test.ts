import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { Random } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { compileStep, type OwnState, type Step } from '../../policy/compile.js';
import { adamwRate, adamwUpdates, globalNorm, type AdamwRate } from '../../training/adamw.js';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
});

const options = { beta1: 0.9, beta2: 0.98, weightDecay: 0.05, maxGradNorm: 1 };

/** AdamW with clipping in plain numbers, over several steps of one flat parameter list. */
function plain(start: number[], gradients: number[][], decayed: boolean[], rate: number): number[] {
  const weights = [...start];
  const m = start.map(() => 0);
  const v = start.map(() => 0);
  gradients.forEach((raw, k) => {
    const norm = Math.sqrt(raw.reduce((s, g) => s + g * g, 0));
    const clip = Math.min(1, options.maxGradNorm / (norm + 1e-6));
    raw.forEach((value, i) => {
      const g = value * clip;
      m[i] = options.beta1 * m[i]! + (1 - options.beta1) * g;
      v[i] = options.beta2 * v[i]! + (1 - options.beta2) * g * g;
      const mHat = m[i] / (1 - options.beta1 ** (k + 1));
      const vHat = v[i] / (1 - options.beta2 ** (k + 1));
      if (decayed[i]) weights[i]! -= rate * options.weightDecay * weights[i]!;
      weights[i]! -= (rate * mHat) / (Math.sqrt(vHat) + 1e-8);
    });
  });
  return weights;
}

describe.each(['graph', 'eager'])('AdamW, %s', (kind) => {
  it('agrees with plain numbers over steps, decaying matrices only', async () => {
    const { tf } = backend;
    const random = Random.from(4, 'adamw');
    const start = Array.from({ length: 9 }, () => random.normal());
    const gradients = Array.from({ length: 5 }, (_, k) =>
      start.map((_, i) => random.normal() * (k === 2 ? 0.01 : 3) * (i === 4 ? 1e-7 : 1)),
    );
    const weights = {
      matrix: tf.variable(tf.tensor2d(start.slice(0, 6), [2, 3])),
      bias: tf.variable(tf.tensor1d(start.slice(6))),
    };
    const state = new Map<string, Variable | OwnState>();
    for (const [name, variable] of Object.entries(weights)) {
      state.set(name, variable);
      for (const moment of ['m', 'v'])
        state.set(`${moment}.${name}`, { shape: variable.shape, start: 'zeros' });
    }
    const step: Step = (inputs) => {
      const given = new Map<string, Tensor>(Object.keys(weights).map((name) => [name, inputs[name]!]));
      const moments = (name: string) => ({ first: `m.${name}`, second: `v.${name}` });
      const { updates, norm } = adamwUpdates(tf, given, moments, inputs as unknown as AdamwRate, options);
      return { outputs: { norm }, updates };
    };
    const on = kind === 'graph' ? backend : { ...backend, name: 'plain-js' as const };
    const compiled = compileStep(on, { state, step });
    for (const [k, g] of gradients.entries()) {
      const rate = adamwRate(k + 1, 0.01, options);
      const { norm } = compiled.run({
        matrix: tf.tensor2d(g.slice(0, 6), [2, 3]),
        bias: tf.tensor1d(g.slice(6)),
        learningRate: tf.scalar(rate.learningRate),
        power1: tf.scalar(rate.power1),
        power2: tf.scalar(rate.power2),
      });
      expect((await norm!.data())[0]).toBeCloseTo(Math.sqrt(g.reduce((s, x) => s + x * x, 0)), 3);
    }
    compiled.readState();
    const expected = plain(start, gradients, [...Array<boolean>(6).fill(true), false, false, false], 0.01);
    const found = [...(await weights.matrix.data()), ...(await weights.bias.data())];
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    compiled.dispose();
    tf.dispose(weights);
  });
});

describe('globalNorm', () => {
  it('measures over all tensors', () => {
    const { tf } = backend;
    expect(globalNorm(tf, [tf.tensor1d([3]), tf.tensor2d([[0, 4]])]).dataSync()[0]).toBeCloseTo(5, 6);
  });
});
