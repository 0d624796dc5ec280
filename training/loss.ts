import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import type { Backend, TensorFlow } from '../policy/backend.js';
import { tokenLogProbabilities } from '../policy/ops.js';

/**
 * Log-probabilities of the given tokens: log softmax(logits / temperature) at `targets`, before any top-p.
 *
 * @param logits [rows, columns, vocabulary]
 * @param targets int32 [rows, columns]
 * @returns [rows, columns]
 */
export function tokenLogProbs(
  backend: Backend,
  logits: Tensor3D,
  targets: Tensor2D,
  temperature = 1,
): Tensor2D {
  const scaled = temperature === 1 ? logits : logits.div<Tensor3D>(temperature);
  return tokenLogProbabilities(backend, scaled, targets) as Tensor2D;
}

/** Entropy in nats of softmax(logits / temperature) at every position, [rows, columns]; not part of any loss. */
export function tokenEntropy(tf: TensorFlow, logits: Tensor3D, temperature = 1): Tensor2D {
  return tf.tidy(() => {
    const scaled = temperature === 1 ? logits : logits.div<Tensor3D>(temperature);
    const shifted = scaled.sub<Tensor3D>(scaled.max(-1, true));
    const exponentials = shifted.exp();
    const total = exponentials.sum(-1, true);
    const centre = exponentials.mul(shifted).sum(-1, true).div(total);
    return total.log().sub(centre).squeeze<Tensor2D>([-1]);
  });
}

/** Weighted sum of -log p: the SFT loss, with weights that already hold the mask and the token mean. */
export function crossEntropy(logProbs: Tensor2D, weights: Tensor2D): Scalar {
  return logProbs.mul(weights).sum<Scalar>().neg();
}

/** The k3 estimate of KL(policy || reference) per token: exp(d) - d - 1 with d = reference - policy; never negative. */
export function k3(logProbs: Tensor2D, reference: Tensor2D): Tensor2D {
  const difference = reference.sub<Tensor2D>(logProbs);
  return difference.exp<Tensor2D>().sub<Tensor2D>(difference).sub<Tensor2D>(1);
}

/**
 * Per-token GRPO loss without its KL term: -min(c A, clamp(c, 1 - low, 1 + high) A) with c = exp(logp - logp_old).
 * @param advantages [rows, 1]
 */
export function clippedSurrogate(
  logProbs: Tensor2D,
  old: Tensor2D,
  advantages: Tensor2D,
  clip: { readonly low: number; readonly high: number },
): Tensor2D {
  const ratio = logProbs.sub<Tensor2D>(old).exp<Tensor2D>();
  const clipped = ratio.clipByValue<Tensor2D>(1 - clip.low, 1 + clip.high);
  return ratio.mul<Tensor2D>(advantages).minimum<Tensor2D>(clipped.mul(advantages)).neg();
}

/** The value without its gradient (TensorFlow.js has no stop-gradient of its own). */
export function stopGradient(tf: TensorFlow, x: Tensor2D): Tensor2D {
  return tf.customGrad((value) => ({
    value: (value as Tensor2D).clone(),
    gradFunc: (dy) => tf.zerosLike(dy),
  }))(x) as Tensor2D;
}
