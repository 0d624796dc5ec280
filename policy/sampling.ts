import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';

export interface SamplingRule {
  /** 0 takes the most likely token. */
  readonly temperature: number;
  /** Keeps the smallest set of tokens whose probability reaches this; 1 keeps all. */
  readonly topP: number;
}

/**
 * Draws one token per row by inverting the cumulative distribution at a given uniform number, so that the draw depends
 * on nothing but the logits and that number.
 *
 * @param logits [rows, vocabulary]; @param uniforms in [0, 1), one per row, unused when greedy
 * @returns int32 [rows]
 */
export function sample(
  tf: TensorFlow,
  logits: Tensor2D,
  uniforms: readonly number[],
  rule: SamplingRule,
): Tensor1D {
  if (rule.temperature === 0) return tf.argMax(logits, -1);
  return tf.tidy(() => {
    const vocabulary = logits.shape[1];
    const u = tf.tensor2d(Float32Array.from(uniforms), [uniforms.length, 1]);
    const probabilities = tf.softmax(tf.mul<Tensor2D>(logits, 1 / rule.temperature));
    if (rule.topP >= 1) return pick(tf, probabilities, u, vocabulary);
    const { values, indices } = tf.topk(probabilities, vocabulary, true);
    const before = tf.sub(tf.cumsum(values, -1), values);
    const kept = tf.mul(values, tf.cast(tf.less(before, rule.topP), 'float32'));
    const place = pick(tf, kept as Tensor2D, u, vocabulary);
    return tf.squeeze(tf.gather(indices, tf.expandDims(place, 1), 1, 1), [1]);
  });
}

/** The first column whose running sum exceeds u times the row's sum. */
function pick(tf: TensorFlow, weights: Tensor2D, u: Tensor, columns: number): Tensor1D {
  const running = tf.cumsum(weights, -1);
  const total = tf.slice(running, [0, columns - 1], [-1, 1]);
  const passed = tf.sum(tf.cast(tf.lessEqual(running, tf.mul(u, total)), 'int32'), -1);
  return tf.minimum(passed, tf.scalar(columns - 1, 'int32'));
}
