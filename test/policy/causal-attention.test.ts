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

type Attend = (q: Tensor4D, k: Tensor4D, v: Tensor4D, from: number) => Tensor4D;

/**
 * Softmax over every visible position, key heads repeated, with TensorFlow.js' own gradients.
 *
 * @param ids [rows][length]: positions see only those of the same number
 */
function plainly(q: Tensor4D, k: Tensor4D, v: Tensor4D, from: number, ids?: number[][]): Tensor4D {
  const [rows, heads, queries] = q.shape;
  const [, keyHeads, length] = k.shape;
  const owner = Int32Array.from({ length: heads }, (_, head) => Math.floor((head * keyHeads) / heads));
  const repeat = (t: Tensor4D) => tf.gather(t, tf.tensor1d(owner, 'int32'), 1);
  const scores = tf.matMul(q, repeat(k), false, true);
  const hidden = Float32Array.from({ length: rows * queries * length }, (_, i) => {
    const row = Math.floor(i / (queries * length));
    const [asking, asked] = [from + (Math.floor(i / length) % queries), i % length];
    return asked > asking || ids?.[row]![asking] !== ids?.[row]![asked] ? -1e9 : 0;
  });
  const mask = tf.tensor4d(hidden, [rows, 1, queries, length]);
  return tf.matMul(tf.softmax(tf.add(scores, mask)), repeat(v));
}

/** Compares values and gradients on random inputs. */
function expectSame(length: number, queries: number, wanted: Attend, found: Attend): void {
  const inputs = [draw([2, 4, queries, 8]), draw([2, 2, length, 8]), draw([2, 2, length, 8])] as const;
  const weight = draw([2, 4, queries, 8]);
  const run = (attend: Attend) =>
    tf.valueAndGrads((...[q, k, v]: Tensor[]) => {
      const seen = attend(q as Tensor4D, k as Tensor4D, v as Tensor4D, length - queries);
      return tf.sum(tf.mul(seen, weight)).asScalar();
    })([...inputs]);
  const [expected, got] = [run(wanted), run(found)];
  for (const [i, tensor] of [expected.value, ...expected.grads].entries()) {
    const other = [got.value, ...got.grads][i]!.dataSync();
    const values = tensor.dataSync();
    const scale = Math.max(...values.map(Math.abs));
    values.forEach((value, at) => expect(Math.abs(value - other[at]!)).toBeLessThan(2e-5 * scale));
  }
}

describe('causalAttention', () => {
  it.each([
    ['one block', 40, 40],
    ['several blocks, the last one short', 600, 600],
    ['the last positions only, over a block boundary', 600, 300],
    ['a single query', 300, 1],
  ])('agrees with attention over all positions, gradients included: %s', (_, length, queries) => {
    expectSame(length, queries, plainly, (q, k, v, from) => causalAttention(tf, q, k, v, from));
  });

  it.each([
    ['one block', 40, 40],
    ['several blocks', 600, 600],
    ['the last positions only, over a block boundary', 600, 300],
  ])('sees only the own sequence of a packed row: %s', (_, length, queries) => {
    const ends = [
      [0.3, 0.45, 1],
      [0.6, 0.9, 1],
    ];
    const ids = ends.map((of) =>
      Array.from({ length }, (_, position) => of.findIndex((end) => position < end * length)),
    );
    const tensor = tf.tensor2d(ids, [2, length], 'int32');
    expectSame(
      length,
      queries,
      (q, k, v, from) => plainly(q, k, v, from, ids),
      (q, k, v, from) => causalAttention(tf, q, k, v, from, tensor),
    );
  });
});
