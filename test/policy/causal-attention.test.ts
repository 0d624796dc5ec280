import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { Random } from '../../core/random.js';
import { loadBackend, type TensorFlow } from '../../policy/backend.js';
import { causalAttention } from '../../policy/causal-attention.js';

let tf: TensorFlow;
beforeAll(async () => {
  tf = (await loadBackend()).tf;
});

const random = Random.from(3, 'attention');
const draw = (shape: [number, number, number, number]): Tensor4D => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor4d(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
};

/** Softmax over every visible position, key heads repeated, with TensorFlow.js' own gradients. */
function plainly(q: Tensor4D, k: Tensor4D, v: Tensor4D, from: number): Tensor4D {
  const [, heads, queries] = q.shape;
  const [, keyHeads, length] = k.shape;
  const owner = Int32Array.from({ length: heads }, (_, head) => Math.floor((head * keyHeads) / heads));
  const repeat = (t: Tensor4D) => tf.gather(t, tf.tensor1d(owner, 'int32'), 1);
  const scores = tf.matMul(q, repeat(k), false, true);
  const hidden = Float32Array.from({ length: queries * length }, (_, at) =>
    at % length > from + Math.floor(at / length) ? -1e9 : 0,
  );
  return tf.matMul(tf.softmax(tf.add(scores, tf.tensor2d(hidden, [queries, length]))), repeat(v));
}

describe('causalAttention', () => {
  it.each([
    ['one block', 40, 40],
    ['several blocks, the last one short', 600, 600],
    ['the last positions only, over a block boundary', 600, 300],
    ['a single query', 300, 1],
  ])('agrees with attention over all positions, gradients included: %s', (_, length, queries) => {
    const from = length - queries;
    const inputs = [draw([2, 4, queries, 8]), draw([2, 2, length, 8]), draw([2, 2, length, 8])] as const;
    const weight = draw([2, 4, queries, 8]);
    const run = (attend: typeof plainly) =>
      tf.valueAndGrads((...[q, k, v]: Tensor[]) => {
        const seen = attend(q as Tensor4D, k as Tensor4D, v as Tensor4D, from);
        return tf.sum(tf.mul(seen, weight)).asScalar();
      })([...inputs]);
    const wanted = run(plainly);
    const got = run((q, k, v, at) => causalAttention(tf, q, k, v, at));
    for (const [i, tensor] of [wanted.value, ...wanted.grads].entries()) {
      const other = [got.value, ...got.grads][i]!.dataSync();
      const values = tensor.dataSync();
      const scale = Math.max(...values.map(Math.abs));
      values.forEach((value, at) => expect(Math.abs(value - other[at]!)).toBeLessThan(2e-5 * scale));
    }
  });
});
