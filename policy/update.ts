import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';

/** What a step does to one part of its state: a tensor replaces it. */
export type Update = Tensor | AddUpdate | AdamWUpdate;

/** Adds in place. */
export interface AddUpdate {
  readonly kind: 'add';
  readonly value: Tensor;
}

/**
 * One AdamW update in place (Loshchilov & Hutter 2019), moments included. A graph makes it with one fused kernel after
 * the other, so that no copies of all weights stand side by side.
 */
export interface AdamWUpdate {
  readonly kind: 'adamw';
  readonly gradient: Tensor;
  /** The gradient counts times this: clipping. */
  readonly scale: Scalar;
  /** Names of the state that holds the moments. */
  readonly first: string;
  readonly second: string;
  readonly learningRate: Scalar;
  /** beta1^t and beta2^t for update t, counted from 1. */
  readonly power1: Scalar;
  readonly power2: Scalar;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay; 0 for none. */
  readonly decay: number;
}

export const isTensor = (update: Update): update is Tensor => 'dataId' in update;

/** The new weight and moments of an {@link AdamWUpdate}, as tensors. */
export function adamw(
  tf: TensorFlow,
  weight: Tensor,
  first: Tensor,
  second: Tensor,
  update: AdamWUpdate,
): { weight: Tensor; first: Tensor; second: Tensor } {
  const { beta1, beta2, learningRate, power1, power2, epsilon, decay } = update;
  const gradient = tf.mul(update.gradient, update.scale);
  const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const [unbiased1, unbiased2] = [tf.div(m, tf.sub(1, power1)), tf.div(v, tf.sub(1, power2))];
  const change = tf.mul(learningRate, tf.div(unbiased1, tf.add(tf.sqrt(unbiased2), epsilon)));
  const kept = decay === 0 ? weight : tf.mul(weight, tf.sub(1, tf.mul(learningRate, decay)));
  return { weight: tf.sub(kept, change), first: m, second: v };
}
