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
 * @param logits [rows, vocabulary]; @param uniforms [rows, 1] in [0, 1), not looked at when greedy
 * @returns int32 [rows]
 */
export function sample(tf: TensorFlow, logits: Tensor2D, uniforms: Tensor2D, rule: SamplingRule): Tensor1D {
  if (rule.temperature === 0) return tf.argMax(logits, -1);
  const vocabulary = logits.shape[1];
  const probabilities = tf.softmax(tf.mul<Tensor2D>(logits, 1 / rule.temperature));
  if (rule.topP >= 1) return pick(tf, probabilities, uniforms, vocabulary);
  const { values, indices } = tf.topk(probabilities, vocabulary, true);
  const before = tf.sub(tf.cumsum(values, -1), values);
  const kept = tf.mul<Tensor2D>(values, tf.cast(tf.less(before, rule.topP), 'float32'));
  const place = pick(tf, kept, uniforms, vocabulary);
  return tf.squeeze(tf.gather(indices, tf.expandDims(place, 1), 1, 1), [1]);
}

/** The first column whose running sum exceeds u times the row's sum. */
function pick(tf: TensorFlow, weights: Tensor2D, u: Tensor, columns: number): Tensor1D {
  const running = tf.cumsum(weights, -1);
  const total = tf.slice(running, [0, columns - 1], [-1, 1]);
  const passed = tf.sum(tf.cast(tf.lessEqual(running, tf.mul(u, total)), 'int32'), -1);
  return tf.minimum(passed, tf.scalar(columns - 1, 'int32'));
}
