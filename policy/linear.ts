import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';

/** A linear layer; the weight is [out, in] as Hugging Face stores it. */
export interface Linear {
  readonly weight: Tensor2D;
  readonly bias?: Tensor1D;
  readonly lowRank?: LowRank;
}

/** What LoRA adds to a linear layer: scale * dropout(x) A^T B^T. */
export interface LowRank {
  /** [rank, in] */
  readonly a: Tensor2D;
  /** [out, rank] */
  readonly b: Tensor2D;
  readonly scale: number;
  /** Zeroes some inputs while training; absent otherwise. */
  readonly dropout?: (x: Tensor2D) => Tensor2D;
}

/** x W^T (+ b) (+ the low-rank part) over the last axis of a matrix. */
export function linear(tf: TensorFlow, x: Tensor2D, { weight, bias, lowRank }: Linear): Tensor2D {
  const y = tf.matMul<Tensor2D>(x, weight, false, true);
  const shifted = bias === undefined ? y : tf.add<Tensor2D>(y, bias);
  if (lowRank === undefined) return shifted;
  const { a, b, scale, dropout } = lowRank;
  const narrow = tf.matMul<Tensor2D>(dropout === undefined ? x : dropout(x), a, false, true);
  return tf.add(shifted, tf.mul(tf.matMul(narrow, b, false, true), scale));
}

/**
 * Several layers over the same input as one, each output times its factor: one product instead of several. The joined
 * matrix is a new tensor. Null when one of them has a low-rank part, which cannot be joined.
 */
export function joinLinears(
  tf: TensorFlow,
  parts: readonly { readonly linear: Linear; readonly factor: number }[],
): Linear | null {
  if (parts.some((part) => part.linear.lowRank !== undefined)) return null;
  const scaled = (t: Tensor, factor: number): Tensor => (factor === 1 ? t : tf.mul(t, factor));
  const weight = tf.concat(parts.map((part) => scaled(part.linear.weight, part.factor))) as Tensor2D;
  const biases = parts.flatMap(({ linear: { bias }, factor }) => (bias ? [scaled(bias, factor)] : []));
  return biases.length === 0 ? { weight } : { weight, bias: tf.concat(biases) as Tensor1D };
}

/** The outputs of several layers over the same input side by side, each times its factor: [rows, sum of outputs]. */
export function linearJointly(
  tf: TensorFlow,
  x: Tensor2D,
  parts: readonly { readonly linear: Linear; readonly factor: number }[],
): Tensor2D {
  const [first] = parts;
  if (parts.length === 1 && first!.factor === 1) return linear(tf, x, first!.linear);
  const joined = joinLinears(tf, parts);
  if (joined !== null) return linear(tf, x, joined);
  return tf.concat(
    parts.map((part) => {
      const y = linear(tf, x, part.linear);
      return part.factor === 1 ? y : tf.mul<Tensor2D>(y, part.factor);
    }),
    1,
  );
}
