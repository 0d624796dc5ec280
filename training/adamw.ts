import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { OptimizerConfig } from '../config/model.js';
import type { TensorFlow } from '../policy/backend.js';
import type { AdamWUpdate } from '../policy/update.js';

const epsilon = 1e-8;

/** Square root of the sum of squares over all tensors. */
export function globalNorm(tf: TensorFlow, tensors: readonly Tensor[]): Scalar {
  return tf.addN(tensors.map((t) => t.square().sum<Scalar>())).sqrt<Scalar>();
}

/** Scalars of one update: the learning rate, and beta^t for both moments. */
export type AdamwRate = {
  readonly learningRate: Scalar;
  readonly power1: Scalar;
  readonly power2: Scalar;
};

/**
 * AdamW updates of named weights after clipping their gradients to a global norm. Weight decay reaches tensors of two or
 * more dimensions only, never biases and norms.
 *
 * @param momentsOf the names of the state that holds a weight's moments
 * @returns updates by name, and the gradient norm before clipping
 */
export function adamwUpdates(
  tf: TensorFlow,
  gradients: ReadonlyMap<string, Tensor>,
  momentsOf: (name: string) => { readonly first: string; readonly second: string },
  rate: AdamwRate,
  options: Pick<OptimizerConfig, 'beta1' | 'beta2' | 'weightDecay' | 'maxGradNorm'>,
): { updates: Map<string, AdamWUpdate>; norm: Scalar } {
  const { beta1, beta2, weightDecay, maxGradNorm } = options;
  const norm = globalNorm(tf, [...gradients.values()]);
  const scale = tf.scalar(maxGradNorm).div<Scalar>(norm.add(1e-6)).minimum<Scalar>(1);
  const updates = new Map<string, AdamWUpdate>();
  for (const [name, gradient] of gradients) {
    const decay = gradient.rank >= 2 ? weightDecay : 0;
    const moments = momentsOf(name);
    updates.set(name, { kind: 'adamw', gradient, scale, ...moments, ...rate, beta1, beta2, epsilon, decay });
  }
  return { updates, norm };
}

/** The numbers of {@link AdamwRate} for update `t`, counted from 1. */
export function adamwRate(
  t: number,
  learningRate: number,
  options: Pick<OptimizerConfig, 'beta1' | 'beta2'>,
): { learningRate: number; power1: number; power2: number } {
  return { learningRate, power1: options.beta1 ** t, power2: options.beta2 ** t };
}
