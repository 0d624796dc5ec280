import type { Scalar, Tensor2D } from '@tensorflow/tfjs';
import type { GrpoConfig } from '../config/training.js';
import type { TensorFlow } from '../policy/backend.js';
import { clippedSurrogate, k3, stopGradient } from './loss.js';

/** What one micro-batch's loss is computed from, beside the log-probabilities under the policy; [rows, predicted]. */
export type GrpoLossInputs = {
  /** What each token weighs in the loss, by aggregation; 0 where it does not count. */
  readonly weights: Tensor2D;
  /** 1 / active tokens where a token counts; makes sums into means. */
  readonly share: Tensor2D;
  /** [rows, 1] */
  readonly advantages: Tensor2D;
  /** Log-probabilities under the reference policy; absent at beta 0. */
  readonly reference?: Tensor2D;
  /** Log-probabilities when the completions were sampled; absent when there is one update, whose ratio is 1. */
  readonly old?: Tensor2D;
};

/**
 * GRPO's loss (DeepSeekMath, arXiv 2402.03300; Vad-R1 trains with it): the weighted sum of the clipped
 * surrogate plus beta times k3, and what is logged beside it.
 *
 * @param logProbs [rows, predicted], under the policy that is trained
 * @returns `kl`, the mean k3 per token, 0 at beta 0; `clipped`, the share of tokens whose ratio left the clipping range
 */
export function grpoLoss(
  tf: TensorFlow,
  logProbs: Tensor2D,
  inputs: GrpoLossInputs,
  { clipLow, clipHigh, beta }: Pick<GrpoConfig, 'clipLow' | 'clipHigh' | 'beta'>,
): { readonly loss: Scalar; readonly kl: Scalar; readonly clipped: Scalar } {
  const old = inputs.old ?? stopGradient(tf, logProbs);
  let perToken = clippedSurrogate(logProbs, old, inputs.advantages, { low: clipLow, high: clipHigh });
  let kl = tf.scalar(0);
  if (inputs.reference !== undefined) {
    const divergence = k3(logProbs, inputs.reference);
    perToken = perToken.add<Tensor2D>(divergence.mul(beta));
    kl = divergence.mul(inputs.share).sum<Scalar>();
  }
  const ratio = logProbs.sub(old).exp();
  const outside = tf.logicalOr(tf.less(ratio, 1 - clipLow), tf.greater(ratio, 1 + clipHigh)).toFloat();
  return {
    loss: perToken.mul(inputs.weights).sum<Scalar>(),
    kl,
    clipped: outside.mul(inputs.share).sum<Scalar>(),
  };
}
