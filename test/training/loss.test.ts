import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { Random } from '../../core/random.js';
import { type Backend, loadBackend, type TensorFlow } from '../../policy/backend.js';
import {
  clippedSurrogate,
  crossEntropy,
  k3,
  stopGradient,
  tokenEntropy,
  tokenLogProbs,
} from '../../training/loss.js';
import { tokenWeights } from '../../training/token-weights.js';

let tf: TensorFlow;
let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend();
  tf = backend.tf;
});

const clip = { low: 0.2, high: 0.2 };
const surrogate = (ratio: number, advantage: number): number =>
  clippedSurrogate(
    tf.tensor2d([[Math.log(ratio)]]),
    tf.tensor2d([[0]]),
    tf.tensor2d([[advantage]]),
    clip,
  ).dataSync()[0]!;

describe('golden vectors', () => {
  it('clips on the side where it would gain', () => {
    expect(surrogate(1.5, 1)).toBeCloseTo(-1.2, 5);
    expect(surrogate(1.5, -1)).toBeCloseTo(1.5, 5);
    expect(surrogate(0.5, -1)).toBeCloseTo(0.8, 5);
    expect(surrogate(0.5, 1)).toBeCloseTo(-0.5, 5);
  });

  it('has k3 of .0051709 at a difference of .1, and 0 at none', () => {
    expect(k3(tf.tensor2d([[-1.1]]), tf.tensor2d([[-1]])).dataSync()[0]).toBeCloseTo(0.0051709, 6);
    expect(k3(tf.tensor2d([[-2]]), tf.tensor2d([[-2]])).dataSync()[0]).toBe(0);
    expect(k3(tf.tensor2d([[-1]]), tf.tensor2d([[-3]])).dataSync()[0]).toBeGreaterThan(0);
  });
});

describe('the SFT loss', () => {
  it('is a mean over tokens', () => {
    const logits = tf.tensor3d([
      [
        [0, 0],
        [Math.log(3), 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]);
    const logp = tokenLogProbs(
      backend,
      logits,
      tf.tensor2d(
        [
          [0, 0],
          [1, 1],
        ],
        undefined,
        'int32',
      ),
    );
    const weights = tokenWeights(Float32Array.of(1, 1, 1, 0), 2, {
      aggregation: 'bnpo',
      rows: 2,
      maxCompletion: 2,
      activeTokens: 3,
    });
    const loss = crossEntropy(logp, tf.tensor2d(weights, [2, 2])).dataSync()[0];
    expect(loss).toBeCloseTo((2 * Math.log(2) + Math.log(4 / 3)) / 3, 5);
  });
});

describe('log-probabilities', () => {
  it('have the gradient that finite differences give, also off temperature 1', () => {
    const random = Random.from(3, 'gradient');
    const values = Array.from({ length: 2 * 3 * 5 }, () => random.normal());
    const targets = tf.tensor2d(
      [
        [1, 4, 0],
        [2, 2, 3],
      ],
      undefined,
      'int32',
    );
    const factors = tf.tensor2d([
      [1, -2, 0.5],
      [0, 3, 1],
    ]);
    for (const temperature of [1, 0.6]) {
      const f = (x: Tensor3D) =>
        tokenLogProbs(backend, x, targets, temperature).mul(factors).sum().asScalar();
      const slope = tf
        .grad((x) => f(x as Tensor3D))(tf.tensor3d(values, [2, 3, 5]))
        .dataSync();
      for (const i of [0, 7, 13, 29]) {
        const shifted = (by: number) => {
          const moved = [...values];
          moved[i] = moved[i]! + by;
          return f(tf.tensor3d(moved, [2, 3, 5])).dataSync()[0]!;
        };
        expect(slope[i]).toBeCloseTo((shifted(1e-2) - shifted(-1e-2)) / 2e-2, 2);
      }
    }
  });

  it('stay finite with huge logits', () => {
    const logp = tokenLogProbs(backend, tf.tensor3d([[[1e4, -1e4]]]), tf.tensor2d([[1]], undefined, 'int32'));
    expect(logp.dataSync()[0]).toBe(-2e4);
  });
});

describe('entropy and stop-gradient', () => {
  it('is log V for equal logits and 0 for a certain token', () => {
    const entropy = tokenEntropy(
      tf,
      tf.tensor3d([
        [
          [0, 0, 0, 0],
          [1000, 0, 0, 0],
        ],
      ]),
    ).dataSync();
    expect(entropy[0]).toBeCloseTo(Math.log(4), 5);
    expect(entropy[1]).toBeCloseTo(0, 5);
  });

  it('lets no gradient through', () => {
    const f = (x: Tensor2D) => x.mul(stopGradient(tf, x)).sum().asScalar();
    expect([
      ...tf
        .grad((x) => f(x as Tensor2D))(tf.tensor2d([[2, 3]]))
        .dataSync(),
    ]).toEqual([2, 3]);
  });
});
