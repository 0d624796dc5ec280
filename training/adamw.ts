import type { Scalar, Tensor } from '@tensorflow/tfjs';
import type { OptimizerConfig } from '../config/model.js';
import type { TensorFlow } from '../policy/backend.js';

/** Named tensors: weights, gradients or moments. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

const epsilon = 1e-8;

/** Square root of the sum of squares over all tensors. */
export function globalNorm(tf: TensorFlow, tensors: readonly Tensor[]): Scalar {
  return tf.addN(tensors.map((t) => t.square().sum<Scalar>())).sqrt<Scalar>();
}

/**
 * One AdamW update (Loshchilov & Hutter 2019) after clipping the gradients to a global norm, as plain tensor ops.
 * Weight decay reaches tensors of two or more dimensions only, never biases and norms.
 *
 * @param rate scalars of the step: the learning rate, and the bias corrections 1 - beta^t
 * @returns new weights and moments under the same names, and the gradient norm before clipping
 */
export function adamw(
  tf: TensorFlow,
  weights: NamedTensors,
  gradients: NamedTensors,
  first: NamedTensors,
  second: NamedTensors,
  rate: { readonly learningRate: Scalar; readonly correction1: Scalar; readonly correction2: Scalar },
  options: Pick<OptimizerConfig, 'beta1' | 'beta2' | 'weightDecay' | 'maxGradNorm'>,
): {
  weights: Record<string, Tensor>;
  first: Record<string, Tensor>;
  second: Record<string, Tensor>;
  norm: Scalar;
} {
  const { beta1, beta2, weightDecay, maxGradNorm } = options;
  const norm = globalNorm(tf, Object.values(gradients));
  const scale = tf.scalar(maxGradNorm).div<Scalar>(norm.add(1e-6)).minimum(1);
  const decay = rate.learningRate.mul<Scalar>(-weightDecay).add<Scalar>(1);
  const stepSize = rate.learningRate.div<Scalar>(rate.correction1);
  const result = {
    weights: {} as Record<string, Tensor>,
    first: {} as Record<string, Tensor>,
    second: {} as Record<string, Tensor>,
    norm,
  };
  for (const [name, weight] of Object.entries(weights)) {
    const gradient = gradients[name]!.mul(scale);
    const m = first[name]!.mul(beta1).add(gradient.mul(1 - beta1));
    const v = second[name]!.mul(beta2).add(gradient.square().mul(1 - beta2));
    const change = m.mul(stepSize).div(v.div(rate.correction2).sqrt().add(epsilon));
    const kept = weightDecay > 0 && weight.rank >= 2 ? weight.mul(decay) : weight;
    result.weights[name] = kept.sub(change);
    result.first[name] = m;
    result.second[name] = v;
  }
  return result;
}

/** The scalars that {@link adamw} needs for update `t`, counted from 1. */
export function adamwRate(
  t: number,
  learningRate: number,
  options: Pick<OptimizerConfig, 'beta1' | 'beta2'>,
): { learningRate: number; correction1: number; correction2: number } {
  return { learningRate, correction1: 1 - options.beta1 ** t, correction2: 1 - options.beta2 ** t };
}
