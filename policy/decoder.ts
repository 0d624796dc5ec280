import type { Rank, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import type { PolicyConfig } from './config.js';
import { attention, linear, rmsNorm, rotate, swiGlu, type Rotary } from './ops.js';
import type { ParameterLookup } from './vision-tower.js';

/** One decoder layer's weights, keys and values as one matrix. */
export interface LayerWeights {
  readonly inputNorm: Tensor1D;
  readonly query: Tensor2D;
  readonly queryBias: Tensor1D;
  /** [2 * keyValueHeads * headDim, hidden] */
  readonly keyValue: Tensor2D;
  readonly keyValueBias: Tensor1D;
  readonly output: Tensor2D;
  readonly innerNorm: Tensor1D;
  readonly gate: Tensor2D;
  readonly up: Tensor2D;
  readonly down: Tensor2D;
}

/** Collects one layer's parameters; the joined matrix is a new tensor. */
export function layerWeights(tf: TensorFlow, parameter: ParameterLookup, layer: number): LayerWeights {
  const at = (name: string) => parameter(`model.layers.${layer}.${name}`);
  const join = <T extends Tensor>(kind: 'weight' | 'bias'): T =>
    tf.concat([at(`self_attn.k_proj.${kind}`), at(`self_attn.v_proj.${kind}`)], 0) as T;
  return {
    inputNorm: at('input_layernorm.weight') as Tensor1D,
    query: at('self_attn.q_proj.weight') as Tensor2D,
    queryBias: at('self_attn.q_proj.bias') as Tensor1D,
    keyValue: join('weight'),
    keyValueBias: join('bias'),
    output: at('self_attn.o_proj.weight') as Tensor2D,
    innerNorm: at('post_attention_layernorm.weight') as Tensor1D,
    gate: at('mlp.gate_proj.weight') as Tensor2D,
    up: at('mlp.up_proj.weight') as Tensor2D,
    down: at('mlp.down_proj.weight') as Tensor2D,
  };
}

/** Rotary tables of a span of positions; the queries' carry the attention's scale. */
export interface DecoderRotary {
  readonly queries: Rotary;
  readonly keys: Rotary;
}

/** From tables [.., tokens, headDim] that broadcast over heads. */
export function decoderRotary(
  tf: TensorFlow,
  config: PolicyConfig,
  cos: Tensor,
  signedSin: Tensor,
): DecoderRotary {
  const scale = config.headDim ** -0.5;
  return {
    queries: { cos: tf.mul(cos, scale), signedSin: tf.mul(signedSin, scale) },
    keys: { cos, signedSin },
  };
}

/** Keys and values of a layer: x [rows * length, hidden] to two of [rows, keyValueHeads, length, headDim], rotated. */
export function keysAndValues(
  tf: TensorFlow,
  config: PolicyConfig,
  weights: LayerWeights,
  x: Tensor2D,
  rows: number,
  rotaryKeys: Rotary,
): [k: Tensor4D, v: Tensor4D] {
  const { keyValueHeads, headDim } = config;
  const length = x.shape[0] / rows;
  const joined = linear(tf, x, weights.keyValue, weights.keyValueBias);
  const byHead = tf.transpose<Tensor4D>(
    tf.reshape(joined, [rows, length, 2 * keyValueHeads, headDim]),
    [0, 2, 1, 3],
  );
  const [k, v] = tf.split<Tensor4D>(byHead, 2, 1);
  return [rotate(tf, k!, rotaryKeys), v!];
}

/** Queries grouped by their key head: [rows, keyValueHeads, groups * length, headDim], rotated and scaled. */
export function groupedQueries(
  tf: TensorFlow,
  config: PolicyConfig,
  weights: LayerWeights,
  x: Tensor2D,
  rows: number,
  rotaryQueries: Rotary,
): Tensor4D {
  const { heads, keyValueHeads, headDim } = config;
  const length = x.shape[0] / rows;
  const flat = linear(tf, x, weights.query, weights.queryBias);
  if (length === 1) {
    const one = rotate(tf, tf.reshape<Rank.R4>(flat, [rows, heads, 1, headDim]), rotaryQueries);
    return tf.reshape(one, [rows, keyValueHeads, heads / keyValueHeads, headDim]);
  }
  const byHead = tf.transpose<Tensor4D>(tf.reshape(flat, [rows, length, heads, headDim]), [0, 2, 1, 3]);
  const turned = rotate(tf, byHead, rotaryQueries);
  return tf.reshape(turned, [rows, keyValueHeads, (heads / keyValueHeads) * length, headDim]);
}

/** Back from grouped heads to [rows * length, heads * headDim]. */
export function ungroup(tf: TensorFlow, config: PolicyConfig, seen: Tensor4D): Tensor2D {
  const { heads, keyValueHeads, headDim } = config;
  const rows = seen.shape[0];
  const length = seen.shape[2] / (heads / keyValueHeads);
  if (length === 1) return tf.reshape(seen, [rows, heads * headDim]);
  const byHead = tf.reshape<Rank.R4>(seen, [rows, heads, length, headDim]);
  return tf.reshape(tf.transpose(byHead, [0, 2, 1, 3]), [rows * length, heads * headDim]);
}

/** The layer after its attention: output projection, residual, SwiGLU, residual. */
export function finishLayer(
  tf: TensorFlow,
  config: PolicyConfig,
  weights: LayerWeights,
  x: Tensor2D,
  seen: Tensor2D,
): Tensor2D {
  const middle = tf.add<Tensor2D>(x, linear(tf, seen, weights.output));
  const normal = rmsNorm(tf, middle, weights.innerNorm, config.rmsNormEps);
  const act = swiGlu(tf, linear(tf, normal, weights.gate), linear(tf, normal, weights.up));
  return tf.add(middle, linear(tf, act, weights.down));
}

/**
 * One decoder layer over whole rows with causal attention.
 *
 * @param x [rows * length, hidden]
 * @param span positions whose outputs are wanted (all when absent): the last layer needs only those that predict
 * @returns the layer's output [rows * span, hidden], and its keys and values for a cache
 */
export function decoderLayer(
  tf: TensorFlow,
  config: PolicyConfig,
  weights: LayerWeights,
  x: Tensor2D,
  rows: number,
  rotaries: DecoderRotary,
  span?: { readonly from: number; readonly to: number },
): { x: Tensor2D; k: Tensor4D; v: Tensor4D } {
  const length = x.shape[0] / rows;
  const normal = rmsNorm(tf, x, weights.inputNorm, config.rmsNormEps);
  const [k, v] = keysAndValues(tf, config, weights, normal, rows, rotaries.keys);
  const { from, to } = span ?? { from: 0, to: length };
  const whole = from === 0 && to === length;
  const cut = (t: Tensor2D): Tensor2D => {
    if (whole) return t;
    const dim = t.shape[1];
    return tf.reshape(tf.slice(tf.reshape(t, [rows, length, dim]), [0, from, 0], [rows, to - from, dim]), [
      -1,
      dim,
    ]);
  };
  const table = (t: Tensor): Tensor => (whole ? t : tf.slice(t, [from, 0], [to - from, config.headDim]));
  const { cos, signedSin } = rotaries.queries;
  const q = groupedQueries(tf, config, weights, cut(normal), rows, {
    cos: table(cos),
    signedSin: table(signedSin),
  });
  const seen = attention(tf, q, k, v, causalMask(tf, from, to, length), config.heads / config.keyValueHeads);
  return { x: finishLayer(tf, config, weights, cut(x), ungroup(tf, config, seen)), k, v };
}

/** [to - from, length]: 0 where position from + i may see position j, else a number that softmax turns into 0. */
function causalMask(tf: TensorFlow, from: number, to: number, length: number): Tensor2D {
  const mask = new Float32Array((to - from) * length);
  for (let i = from; i < to; i++) mask.fill(-1e9, (i - from) * length + i + 1, (i - from + 1) * length);
  return tf.tensor2d(mask, [to - from, length]);
}
