import type { Rank, Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import { attention } from './ops.js';

/** Queries that are taken together; their keys end where they do. */
const BLOCK = 128;

/**
 * Causal attention of grouped heads. Long sequences go block by block of queries, each over the keys up to its own end,
 * so that almost half of the scores are never computed nor kept.
 *
 * @param q [rows, heads, queries, dim], scaled: the positions [from, from + queries)
 * @param k, v [rows, keyValueHeads, length, dim]
 * @param sequenceIds int32 [rows, length]: positions of a row see only those of the same number; all when absent
 * @returns [rows, heads, queries, dim]
 */
export function causalAttention(
  tf: TensorFlow,
  q: Tensor4D,
  k: Tensor4D,
  v: Tensor4D,
  from: number,
  sequenceIds?: Tensor2D,
): Tensor4D {
  const [rows, heads, queries, dim] = q.shape;
  const [, keyValueHeads, length] = k.shape;
  const groups = heads / keyValueHeads;
  const attend = (some: Tensor4D, keys: Tensor4D, values: Tensor4D, start: number): Tensor4D => {
    const count = some.shape[2];
    // Query heads that share a key head are one batch entry of the products.
    const grouped = tf.reshape<Rank.R4>(some, [rows, keyValueHeads, groups * count, dim]);
    const causal = causalMask(tf, start, count, keys.shape[2]);
    const mask = sequenceIds === undefined ? causal : ownSequence(tf, causal, sequenceIds, start);
    return tf.reshape(attention(tf, grouped, keys, values, mask, groups), some.shape);
  };
  if (queries <= BLOCK) return attend(q, k, v, from);
  const blocks: Tensor4D[] = [];
  for (let first = 0; first < queries; first += BLOCK) {
    const count = Math.min(BLOCK, queries - first);
    const end = Math.min(from + first + count, length);
    const upTo = (t: Tensor4D) => tf.slice(t, [0, 0, 0, 0], [rows, keyValueHeads, end, dim]);
    const some = tf.slice(q, [0, 0, first, 0], [rows, heads, count, dim]);
    blocks.push(attend(some, upTo(k), upTo(v), from + first));
  }
  return tf.concat(blocks, 2);
}

/** [count, length]: 0 where position from + i may see position j, else a number that softmax turns into 0. */
function causalMask(tf: TensorFlow, from: number, count: number, length: number): Tensor2D {
  const mask = new Float32Array(count * length);
  for (let i = 0; i < count; i++) mask.fill(-1e9, i * length + from + i + 1, (i + 1) * length);
  return tf.tensor2d(mask, [count, length]);
}

/** [rows, 1, count, length]: a causal mask that hides other sequences of the row too. */
function ownSequence(tf: TensorFlow, causal: Tensor2D, sequenceIds: Tensor2D, from: number): Tensor {
  const [count, length] = causal.shape;
  const [rows] = sequenceIds.shape;
  const of = (start: number, size: number) => tf.slice(sequenceIds, [0, start], [rows, size]);
  const asking = tf.reshape(of(from, count), [rows, 1, count, 1]);
  const asked = tf.reshape(of(0, length), [rows, 1, 1, length]);
  const isOther = tf.cast(tf.notEqual(asking, asked), 'float32');
  return tf.add(causal, tf.mul(isOther, -1e9));
}
