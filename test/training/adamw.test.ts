import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { loadBackend, type TensorFlow } from '../../policy/backend.js';
import { adamw, adamwRate, globalNorm } from '../../training/adamw.js';

let tf: TensorFlow;
beforeAll(async () => {
  tf = (await loadBackend()).tf;
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

describe('adamw', () => {
  it('agrees with plain numbers over steps, decaying matrices only', () => {
    const random = Random.from(4, 'adamw');
    const start = Array.from({ length: 9 }, () => random.normal());
    const gradients = Array.from({ length: 5 }, (_, k) =>
      start.map(() => random.normal() * (k === 2 ? 0.01 : 3)),
    );
    let weights: Record<string, ReturnType<TensorFlow['tensor']>> = {
      matrix: tf.tensor2d(start.slice(0, 6), [2, 3]),
      bias: tf.tensor1d(start.slice(6)),
    };
    let first = { matrix: tf.zeros([2, 3]), bias: tf.zeros([3]) } as typeof weights;
    let second = { matrix: tf.zeros([2, 3]), bias: tf.zeros([3]) } as typeof weights;
    gradients.forEach((g, k) => {
      const rate = adamwRate(k + 1, 0.01, options);
      const next = adamw(
        tf,
        weights,
        { matrix: tf.tensor2d(g.slice(0, 6), [2, 3]), bias: tf.tensor1d(g.slice(6)) },
        first,
        second,
        {
          learningRate: tf.scalar(rate.learningRate),
          correction1: tf.scalar(rate.correction1),
          correction2: tf.scalar(rate.correction2),
        },
        options,
      );
      ({ weights, first, second } = next);
      expect(next.norm.dataSync()[0]).toBeCloseTo(Math.sqrt(g.reduce((s, x) => s + x * x, 0)), 3);
    });
    const expected = plain(start, gradients, [...Array<boolean>(6).fill(true), false, false, false], 0.01);
    const found = [...weights.matrix!.dataSync(), ...weights.bias!.dataSync()];
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });

  it('measures the norm over all tensors', () => {
    expect(globalNorm(tf, [tf.tensor1d([3]), tf.tensor2d([[0, 4]])]).dataSync()[0]).toBeCloseTo(5, 6);
  });
});
