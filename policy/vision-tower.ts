import type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import type { PolicyConfig } from './config.js';
import { attention, gelu, linear, rmsNorm, rotary, rotate, swiGlu, type Rotary } from './ops.js';
import type { Grid } from './processor.js';
import { planWindows, visionRotaryTable, type WindowPlan } from './vision-windows.js';

/** A parameter by its Hugging Face name. */
export type ParameterLookup = (name: string) => Tensor;

/** What the vision tower needs of a grid beside its weights; dispose with {@link disposeVisionTables}. */
export interface VisionTables {
  readonly grid: Grid;
  readonly plan: WindowPlan;
  /** The query table carries the attention's scale. */
  readonly queries: Rotary;
  readonly keys: Rotary;
}

/** Builds the constant tensors of one grid. */
export function visionTables(tf: TensorFlow, vision: PolicyConfig['vision'], grid: Grid): VisionTables {
  const plan = planWindows(vision, grid);
  const table = visionRotaryTable(vision, grid, plan);
  const headDim = vision.hiddenSize / vision.heads;
  const scale = (values: Float32Array) => values.map((value) => value * headDim ** -0.5);
  const shape = [grid.h * grid.w, headDim];
  const queries = rotary(tf, { cos: scale(table.cos), sin: scale(table.sin) }, shape);
  return { grid, plan, queries, keys: rotary(tf, table, shape) };
}

export function disposeVisionTables({ queries, keys }: VisionTables): void {
  for (const tensor of [queries.cos, queries.signedSin, keys.cos, keys.signedSin]) tensor.dispose();
}

/**
 * The vision tower: patches of `videos` videos of one grid to embeddings for the decoder.
 *
 * @param patches [videos * t * h * w, patch values], in the processor's order
 * @returns [videos, tokens of a video, hidden size of the decoder]
 */
export function visionTower(
  tf: TensorFlow,
  vision: PolicyConfig['vision'],
  parameter: ParameterLookup,
  tables: VisionTables,
  patches: Tensor2D,
  videos: number,
): Tensor3D {
  const { grid, plan } = tables;
  const matrix = (name: string) => parameter(name) as Tensor2D;
  const vector = (name: string) => parameter(name) as Tensor1D;
  const dim = vision.hiddenSize;
  const unit = vision.spatialMergeSize ** 2;
  const frames = videos * grid.t;
  const patchesPerFrame = grid.h * grid.w;

  const kernel = tf.reshape<Rank.R2>(matrix('visual.patch_embed.proj.weight'), [dim, -1]);
  let x = linear(tf, patches, kernel);
  const [orderTensor, inverseTensor] = plan.isIdentity
    ? [null, null]
    : [tf.tensor1d(plan.order, 'int32'), tf.tensor1d(plan.inverse, 'int32')];
  if (orderTensor !== null) {
    const units = tf.reshape<Rank.R3>(x, [frames, patchesPerFrame / unit, unit * dim]);
    x = tf.reshape(permuteUnits(tf, units, orderTensor, inverseTensor), [-1, dim]);
  }
  for (let block = 0; block < vision.depth; block++) {
    const at = `visual.blocks.${block}`;
    const normal = rmsNorm(tf, x, vector(`${at}.norm1.weight`), 1e-6);
    const qkv = linear(tf, normal, matrix(`${at}.attn.qkv.weight`), vector(`${at}.attn.qkv.bias`));
    const full = vision.fullAttentionBlocks.includes(block);
    const seen = visionAttention(tf, vision, tables, qkv, frames, full);
    x = tf.add(x, linear(tf, seen, matrix(`${at}.attn.proj.weight`), vector(`${at}.attn.proj.bias`)));
    const inner = rmsNorm(tf, x, vector(`${at}.norm2.weight`), 1e-6);
    const gate = linear(tf, inner, matrix(`${at}.mlp.gate_proj.weight`), vector(`${at}.mlp.gate_proj.bias`));
    const up = linear(tf, inner, matrix(`${at}.mlp.up_proj.weight`), vector(`${at}.mlp.up_proj.bias`));
    const down = [matrix(`${at}.mlp.down_proj.weight`), vector(`${at}.mlp.down_proj.bias`)] as const;
    x = tf.add(x, linear(tf, swiGlu(tf, gate, up), ...down));
  }
  const normal = tf.reshape<Rank.R2>(rmsNorm(tf, x, vector('visual.merger.ln_q.weight'), 1e-6), [
    -1,
    unit * dim,
  ]);
  const wide = linear(tf, normal, matrix('visual.merger.mlp.0.weight'), vector('visual.merger.mlp.0.bias'));
  const last = [matrix('visual.merger.mlp.2.weight'), vector('visual.merger.mlp.2.bias')] as const;
  let out: Tensor = linear(tf, gelu(tf, wide), ...last);
  if (orderTensor !== null) {
    const units = tf.reshape<Rank.R3>(out, [frames, patchesPerFrame / unit, vision.outHiddenSize]);
    out = permuteUnits(tf, units, inverseTensor, orderTensor);
  }
  return tf.reshape(out, [videos, (grid.t * patchesPerFrame) / unit, vision.outHiddenSize]);
}

/** Gathers along axis 1; the gradient of a permutation is the inverse permutation. */
function permuteUnits(tf: TensorFlow, x: Tensor3D, order: Tensor1D, inverse: Tensor1D): Tensor3D {
  return tf.customGrad((...args) => {
    const [input, save] = args as unknown as [Tensor, (tensors: Tensor[]) => void];
    save([inverse]);
    const gradFunc = (dy: Tensor, [back]: Tensor[]) => tf.gather(dy, back as Tensor1D, 1);
    return { value: tf.gather(input, order, 1), gradFunc };
  })(x) as Tensor3D;
}

/** Attention inside each temporal patch, over all of it or window by window; [frames * patches, 3 dim] -> [.., dim]. */
function visionAttention(
  tf: TensorFlow,
  vision: PolicyConfig['vision'],
  { grid, plan, queries, keys }: VisionTables,
  qkv: Tensor2D,
  frames: number,
  full: boolean,
): Tensor2D {
  const { heads } = vision;
  const headDim = vision.hiddenSize / heads;
  const patches = grid.h * grid.w;
  const unit = vision.spatialMergeSize ** 2;
  const byKind = tf.transpose(tf.reshape(qkv, [frames, patches, 3, heads, headDim]), [2, 0, 3, 1, 4]);
  const each = tf.split(byKind, 3, 0).map((t) => tf.reshape<Rank.R4>(t, [frames, heads, patches, headDim]));
  const q = rotate(tf, each[0]!, queries);
  const k = rotate(tf, each[1]!, keys);
  const v = each[2]!;
  let out: Tensor4D;
  if (full || (plan.groups.length === 1 && plan.groups[0]!.windows === 1)) {
    out = attention(tf, q, k, v, null);
  } else {
    const sizes = plan.groups.map((group) => group.windows * group.units * unit);
    const cut = (t: Tensor4D): Tensor4D[] => (sizes.length === 1 ? [t] : tf.split(t, sizes, 2));
    const [qs, ks, vs] = [cut(q), cut(k), cut(v)];
    const parts = plan.groups.map(({ windows, units }, g) => {
      const shape: [number, number, number, number] = [frames * heads, windows, units * unit, headDim];
      const [a, b, c] = [qs[g]!, ks[g]!, vs[g]!].map((t) => tf.reshape<Rank.R4>(t, shape));
      return tf.reshape<Rank.R4>(attention(tf, a!, b!, c!, null), [frames, heads, sizes[g]!, headDim]);
    });
    out = parts.length === 1 ? parts[0]! : tf.concat(parts, 2);
  }
  return tf.reshape(tf.transpose(out, [0, 2, 1, 3]), [frames * patches, vision.hiddenSize]);
}
