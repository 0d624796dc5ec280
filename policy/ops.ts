/**
 * The few operations that the decoder and the vision tower are made of, in plain TensorFlow.js with gradients written
 * by hand where the automatic ones would pass over the activations more often than needed.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { Backend, TensorFlow } from './backend.js';
import { nativeBackend } from './native.js';

/** x / rms(x) * gain over the last axis of a matrix. */
export function rmsNorm(tf: TensorFlow, x: Tensor2D, gain: Tensor1D, epsilon: number): Tensor2D {
  return tf.customGrad((...args) => {
    const [input, scale, save] = args as unknown as [Tensor2D, Tensor1D, (tensors: Tensor[]) => void];
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(input), -1, true), epsilon));
    const normal = tf.mul(input, inverse);
    save([normal, inverse, scale]);
    const gradFunc = (dy: Tensor2D, saved: Tensor[]) => {
      const [n, r, g] = saved as [Tensor2D, Tensor2D, Tensor1D];
      const product = tf.mul(dy, n);
      const along = tf.div(tf.matMul(product, tf.reshape(g, [-1, 1])), g.size);
      return [tf.mul(r, tf.sub(tf.mul(dy, g), tf.mul(n, along))), tf.sum(product, 0)];
    };
    return {
      value: tf.mul(normal, scale),
      gradFunc: gradFunc as unknown as (dy: Tensor, s: Tensor[]) => Tensor[],
    };
  })(x, gain) as Tensor2D;
}

/** silu(gate) * up. */
export function swiGlu(tf: TensorFlow, gate: Tensor2D, up: Tensor2D): Tensor2D {
  return tf.customGrad((...args) => {
    const [g, u, save] = args as unknown as [Tensor2D, Tensor2D, (tensors: Tensor[]) => void];
    const s = tf.sigmoid(g);
    const silu = tf.mul(g, s);
    save([s, silu, u]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [sigma, act, other] = saved as [Tensor, Tensor, Tensor];
      // silu' = s + silu (1 - s)
      const slope = tf.add(sigma, tf.sub(act, tf.mul(act, sigma)));
      return [tf.mul(tf.mul(dy, other), slope), tf.mul(dy, act)];
    };
    return { value: tf.mul(silu, u), gradFunc };
  })(gate, up) as Tensor2D;
}

/**
 * Token embeddings with vision embeddings in their places. Rows of the gradient go straight to their segment, so the
 * placeholders' own embedding gets none.
 *
 * @param table [vocabulary, dim]; @param ids int32 [count]
 * @param vision [tokens, dim]; @param visionIndex int32 [count]: a row of `vision`, or -1 for text
 * @returns [count, dim]
 */
export function embed(
  tf: TensorFlow,
  table: Tensor2D,
  ids: Tensor1D,
  vision: Tensor2D | null,
  visionIndex: Tensor1D,
): Tensor2D {
  if (vision === null) return tf.gather(table, ids);
  const isText = tf.less(visionIndex, tf.scalar(0, 'int32'));
  return tf.customGrad((...args) => {
    const [words, pictures, save] = args as unknown as [Tensor2D, Tensor2D, (tensors: Tensor[]) => void];
    const [vocabulary, tokens] = [words.shape[0], pictures.shape[0]];
    const seen = tf.gather(pictures, tf.maximum(visionIndex, tf.scalar(0, 'int32')));
    const value = tf.where(tf.expandDims(isText, 1), tf.gather(words, ids), seen);
    // Saved, since a scope around the forward pass would otherwise dispose of them before the gradient runs.
    save([tf.where(isText, ids, tf.neg(tf.onesLike(ids))), visionIndex]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [wordIndex, pictureIndex] = saved as [Tensor1D, Tensor1D];
      return [
        tf.unsortedSegmentSum(dy, wordIndex, vocabulary),
        tf.unsortedSegmentSum(dy, pictureIndex, tokens),
      ];
    };
    return { value, gradFunc };
  })(table, vision);
}

/** GELU with the error function, as `nn.GELU()`. */
export function gelu<T extends Tensor>(tf: TensorFlow, x: T): T {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** Tables of a rotary embedding that broadcast against [..., tokens, headDim]. */
export interface Rotary {
  readonly cos: Tensor;
  /** The sine with its first half negated, so that one swap of halves does the rotation. */
  readonly signedSin: Tensor;
}

/** Negates the first half of every `dim` values. */
export function signedSine(sin: Float32Array, dim: number): Float32Array {
  return sin.map((value, i) => (i % dim < dim / 2 ? -value : value));
}

/** Host-side tables to tensors of a shape that broadcasts. */
export function rotary(
  tf: TensorFlow,
  table: { readonly cos: Float32Array; readonly sin: Float32Array },
  shape: number[],
): Rotary {
  const signed = signedSine(table.sin, shape[shape.length - 1]!);
  return { cos: tf.tensor(table.cos, shape), signedSin: tf.tensor(signed, shape) };
}

/** Rotates pairs (j, j + headDim / 2) of the last axis (Hugging Face's `rotate_half` convention). */
export function rotate<T extends Tensor>(tf: TensorFlow, x: T, { cos, signedSin }: Rotary): T {
  const swap = (t: Tensor): Tensor => {
    const [a, b] = tf.split(t, 2, -1);
    return tf.concat([b!, a!], -1);
  };
  return tf.customGrad((...args) => {
    const [input, save] = args as unknown as [Tensor, (tensors: Tensor[]) => void];
    save([cos, signedSin]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) =>
      tf.add(tf.mul(dy, saved[0]!), swap(tf.mul(dy, saved[1]!)));
    return { value: tf.add(tf.mul(input, cos), tf.mul(swap(input), signedSin)), gradFunc };
  })(x) as T;
}

/**
 * softmax(Q K^T + mask) V per batch entry and head; the queries come scaled. The gradient keeps the probabilities and
 * uses rowsum(dP * P) = rowsum(dO * O), which saves two passes over the scores.
 *
 * @param q [batch, heads, queries, dim]; @param k, v [batch, heads, keys, dim]
 * @param mask broadcastable to the scores, 0 or a large negative number; null attends everywhere
 * @param groups query heads that share a key head: `q` then holds them one after the other along its queries
 */
export function attention(
  tf: TensorFlow,
  q: Tensor4D,
  k: Tensor4D,
  v: Tensor4D,
  mask: Tensor | null,
  groups = 1,
): Tensor4D {
  return tf.customGrad((...args) => {
    const [Q, K, V, save] = args as unknown as [Tensor4D, Tensor4D, Tensor4D, (tensors: Tensor[]) => void];
    const scores = tf.matMul(Q, K, false, true);
    const P = tf.softmax(mask === null ? scores : masked(tf, scores as Tensor4D, mask, groups)) as Tensor4D;
    const O = tf.matMul(P, V);
    save([Q, K, V, P, O]);
    const gradFunc = (dO: Tensor, saved: Tensor[]) => {
      const [Qs, Ks, Vs, Ps, Os] = saved as [Tensor4D, Tensor4D, Tensor4D, Tensor4D, Tensor4D];
      const along = tf.sum(tf.mul(dO, Os), -1, true);
      const dS = tf.mul(Ps, tf.sub(tf.matMul(dO as Tensor4D, Vs, false, true), along));
      return [tf.matMul(dS, Ks), tf.matMul(dS, Qs, true, false), tf.matMul(Ps, dO, true, false)];
    };
    return { value: O, gradFunc };
  })(q, k, v) as Tensor4D;
}

function masked(tf: TensorFlow, scores: Tensor4D, mask: Tensor, groups: number): Tensor {
  if (groups === 1) return tf.add(scores, mask);
  const [batch, heads, queries, keys] = scores.shape;
  const leading = mask.rank === 4 ? [batch, heads * groups] : [batch * heads * groups];
  const each = tf.reshape(scores, [...leading, queries / groups, keys]);
  return tf.reshape(tf.add(each, mask), scores.shape);
}

/**
 * log softmax(logits)[target], row by row: the log-probability of given tokens, with a fused kernel and gradient on
 * TensorFlow.
 *
 * @param logits [..., vocabulary]; @param targets int32 with the leading shape of the logits
 * @returns the leading shape
 */
export function tokenLogProbabilities(backend: Backend, logits: Tensor, targets: Tensor): Tensor {
  const { tf } = backend;
  const vocabulary = logits.shape[logits.shape.length - 1]!;
  const shape = logits.shape.slice(0, -1);
  const flat = tf.reshape(targets, [-1]);
  const native = nativeBackend(backend);
  const value = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [Tensor2D, (tensors: Tensor[]) => void];
    if (native !== null) {
      const type = (name: string, dtype: number) => ({
        name,
        type: native.binding.TF_ATTR_TYPE,
        value: dtype,
      });
      const attributes = [type('T', native.binding.TF_FLOAT), type('Tlabels', native.binding.TF_INT32)];
      const name = 'SparseSoftmaxCrossEntropyWithLogits';
      const [loss, back] = native.executeMultipleOutputs(name, attributes, [x, flat], 2);
      save([back!]);
      const gradFunc = (dy: Tensor, [slope]: Tensor[]) => tf.neg(tf.mul(tf.reshape(dy, [-1, 1]), slope!));
      return { value: tf.neg(loss!), gradFunc };
    }
    const oneHot = tf.oneHot(flat, vocabulary, 1, 0, 'float32');
    const log = tf.logSoftmax(x);
    save([log, oneHot]);
    const gradFunc = (dy: Tensor, [l, hot]: Tensor[]) =>
      tf.mul(tf.reshape(dy, [-1, 1]), tf.sub(hot!, tf.exp(l!)));
    return { value: tf.sum(tf.mul(log, oneHot), -1), gradFunc };
  })(tf.reshape(logits, [-1, vocabulary]));
  return tf.reshape(value, shape);
}
