import type { Rank, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import { causalAttention } from './causal-attention.js';
import type { PolicyConfig } from './config.js';
import { linear, linearJointly, type Linear } from './linear.js';
import { rmsNorm, rotate, swiGlu, type Rotary } from './ops.js';
import type { WeightReader } from './weight-reader.js';

/** One decoder layer's weights. */
export interface LayerWeights {
  readonly inputNorm: Tensor1D;
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly innerNorm: Tensor1D;
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
}

/** Collects one layer's parameters; makes no tensors. */
export function layerWeights(weights: WeightReader, layer: number): LayerWeights {
  const at = `model.layers.${layer}`;
  const own = (name: string) => weights.linear(`${at}.${name}`);
  return {
    inputNorm: weights.vector(`${at}.input_layernorm.weight`),
    query: own('self_attn.q_proj'),
    key: own('self_attn.k_proj'),
    value: own('self_attn.v_proj'),
    output: own('self_attn.o_proj'),
    innerNorm: weights.vector(`${at}.post_attention_layernorm.weight`),
    gate: own('mlp.gate_proj'),
    up: own('mlp.up_proj'),
    down: own('mlp.down_proj'),
  };
}

/** The projections to queries, keys and values, the queries times the attention's scale. */
export function queryKeyValue(config: PolicyConfig, { query, key, value }: LayerWeights) {
  return [
    { linear: query, factor: config.headDim ** -0.5 },
    { linear: key, factor: 1 },
    { linear: value, factor: 1 },
  ];
}

/**
 * Splits joint projections into heads and rotates queries and keys.
 *
 * @param joint [rows * length, (heads + 2 * keyValueHeads) * headDim]
 * @param rotary tables that broadcast to [rows, 1, length, headDim]
 * @returns q [rows, heads, length, headDim], k and v [rows, keyValueHeads, length, headDim]
 */
export function rotatedHeads(
  tf: TensorFlow,
  { heads, keyValueHeads, headDim }: PolicyConfig,
  joint: Tensor2D,
  rows: number,
  rotary: Rotary,
): [q: Tensor4D, k: Tensor4D, v: Tensor4D] {
  const length = joint.shape[0] / rows;
  const all = heads + 2 * keyValueHeads;
  // One position a row (decoding) is in head order as it is.
  const byHead =
    length === 1
      ? tf.reshape<Rank.R4>(joint, [rows, all, 1, headDim])
      : tf.transpose<Tensor4D>(tf.reshape(joint, [rows, length, all, headDim]), [0, 2, 1, 3]);
  const [turning, v] = tf.split<Tensor4D>(byHead, [heads + keyValueHeads, keyValueHeads], 1);
  const [q, k] = tf.split<Tensor4D>(rotate(tf, turning!, rotary), [heads, keyValueHeads], 1);
  return [q!, k!, v!];
}

/** [rows, heads, length, headDim] to [rows * length, heads * headDim]. */
export function flatten(tf: TensorFlow, { heads, headDim }: PolicyConfig, seen: Tensor4D): Tensor2D {
  const [rows, , length] = seen.shape;
  const byPosition = length === 1 ? seen : tf.transpose(seen, [0, 2, 1, 3]);
  return tf.reshape(byPosition, [rows * length, heads * headDim]);
}

/** The layer after its attention: output projection, residual, SwiGLU, residual. */
export function finishLayer(
  tf: TensorFlow,
  config: PolicyConfig,
  weights: Pick<LayerWeights, 'output' | 'innerNorm' | 'gate' | 'up' | 'down'>,
  x: Tensor2D,
  seen: Tensor2D,
): Tensor2D {
  const middle = tf.add<Tensor2D>(x, linear(tf, seen, weights.output));
  const normal = rmsNorm(tf, middle, weights.innerNorm, config.rmsNormEps);
  const act = swiGlu(tf, linear(tf, normal, weights.gate), linear(tf, normal, weights.up));
  return tf.add(middle, linear(tf, act, weights.down));
}

/** Which positions of a layer attend to which; all to all that come before when empty. */
export interface AttendedPositions {
  readonly span?: { readonly from: number; readonly to: number } | undefined;
  readonly sequenceIds?: Tensor2D | undefined;
}

/**
 * One decoder layer over whole rows with causal attention.
 *
 * @param x [rows * length, hidden]
 * @param span positions whose outputs are wanted (all when absent): the last layer needs only those that predict
 * @param sequenceIds as of {@link causalAttention}
 * @returns the layer's output [rows * span, hidden], and its keys and values for a cache
 */
export function decoderLayer(
  tf: TensorFlow,
  config: PolicyConfig,
  weights: LayerWeights,
  x: Tensor2D,
  rows: number,
  rotary: Rotary,
  { span, sequenceIds }: AttendedPositions = {},
): { x: Tensor2D; k: Tensor4D; v: Tensor4D } {
  const length = x.shape[0] / rows;
  const normal = rmsNorm(tf, x, weights.inputNorm, config.rmsNormEps);
  const joint = linearJointly(tf, normal, queryKeyValue(config, weights));
  const [every, k, v] = rotatedHeads(tf, config, joint, rows, rotary);
  const { from, to } = span ?? { from: 0, to: length };
  const isWhole = from === 0 && to === length;
  const q = isWhole
    ? every
    : tf.slice(every, [0, 0, from, 0], [rows, config.heads, to - from, config.headDim]);
  const seen = causalAttention(tf, q, k, v, from, sequenceIds);
  const kept = isWhole
    ? x
    : tf.reshape<Rank.R2>(
        tf.slice(tf.reshape(x, [rows, length, -1]), [0, from, 0], [rows, to - from, config.hiddenSize]),
        [-1, config.hiddenSize],
      );
  return { x: finishLayer(tf, config, weights, kept, flatten(tf, config, seen)), k, v };
}
