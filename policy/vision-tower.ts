import type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import type { PolicyConfig } from './config.js';
import { linear } from './linear.js';
import type { Segment } from './media.js';
import { attention, gelu, rmsNorm, rotary, rotate, swiGlu, type Rotary } from './ops.js';
import { planWindows, visionRotaryTable, type PatchGrid, type WindowPlan } from './vision-windows.js';
import type { WeightReader } from './weight-reader.js';

/** What the vision tower needs of a picture size beside its weights; dispose with {@link disposeVisionTables}. */
export interface VisionTables {
  readonly plan: WindowPlan;
  /** The query table carries the attention's scale. */
  readonly queries: Rotary;
  readonly keys: Rotary;
}

/** Runs one layer, whose parameters' names begin with `prefix`: plainly, or so that its gradient recomputes it. */
export type LayerRunner = (
  prefix: string,
  x: Tensor2D,
  body: (weights: WeightReader, x: Tensor2D) => Tensor2D,
) => Tensor2D;

/** Builds the constant tensors of one picture size. */
export function visionTables(tf: TensorFlow, vision: PolicyConfig['vision'], grid: PatchGrid): VisionTables {
  const plan = planWindows(vision, grid);
  const table = visionRotaryTable(vision, grid, plan);
  const headDim = vision.hiddenSize / vision.heads;
  const scale = (values: Float32Array) => values.map((value) => value * headDim ** -0.5);
  const shape = [grid.h * grid.w, headDim];
  const queries = rotary(tf, { cos: scale(table.cos), sin: scale(table.sin) }, shape);
  return { plan, queries, keys: rotary(tf, table, shape) };
}

export function disposeVisionTables({ queries, keys }: VisionTables): void {
  for (const tensor of [queries.cos, queries.signedSin, keys.cos, keys.signedSin]) tensor.dispose();
}

/**
 * The vision tower: temporal patches of one size to embeddings for the decoder. Attention never leaves a temporal patch,
 * so those of several videos are one batch.
 *
 * @param patches [frames * h * w, patch values], in the processor's order
 * @param layer runs the blocks
 * @returns [tokens, hidden size of the decoder]
 */
export function visionTower(
  tf: TensorFlow,
  vision: PolicyConfig['vision'],
  weights: WeightReader,
  tables: VisionTables,
  patches: Tensor2D,
  { frames, h, w }: Segment,
  layer: LayerRunner,
): Tensor2D {
  const { plan } = tables;
  const dim = vision.hiddenSize;
  const unit = vision.spatialMergeSize ** 2;
  const units = (h * w) / unit;

  const kernel = tf.reshape<Rank.R2>(weights.matrix('visual.patch_embed.proj.weight'), [dim, -1]);
  let x = linear(tf, patches, { weight: kernel });
  const [orderTensor, inverseTensor] = plan.isIdentity
    ? [null, null]
    : [tf.tensor1d(plan.order, 'int32'), tf.tensor1d(plan.inverse, 'int32')];
  if (orderTensor !== null) {
    const byUnit = tf.reshape<Rank.R3>(x, [frames, units, unit * dim]);
    x = tf.reshape(permuteUnits(tf, byUnit, orderTensor, inverseTensor), [-1, dim]);
  }
  for (let block = 0; block < vision.depth; block++) {
    x = layer(`visual.blocks.${block}.`, x, (own, input) =>
      visionBlock(tf, vision, own, tables, input, { block, frames }),
    );
  }
  const normal = rmsNorm(tf, x, weights.vector('visual.merger.ln_q.weight'), 1e-6);
  const merged = tf.reshape<Rank.R2>(normal, [-1, unit * dim]);
  const wide = gelu(tf, linear(tf, merged, weights.linear('visual.merger.mlp.0')));
  const out = linear(tf, wide, weights.linear('visual.merger.mlp.2'));
  if (orderTensor === null) return out;
  const byUnit = tf.reshape<Rank.R3>(out, [frames, units, vision.outHiddenSize]);
  return tf.reshape(permuteUnits(tf, byUnit, inverseTensor, orderTensor), out.shape);
}

function visionBlock(
  tf: TensorFlow,
  vision: PolicyConfig['vision'],
  weights: WeightReader,
  tables: VisionTables,
  x: Tensor2D,
  { block, frames }: { readonly block: number; readonly frames: number },
): Tensor2D {
  const at = `visual.blocks.${block}`;
  const normal = rmsNorm(tf, x, weights.vector(`${at}.norm1.weight`), 1e-6);
  const qkv = linear(tf, normal, weights.linear(`${at}.attn.qkv`));
  const isFull = vision.fullAttentionBlocks.includes(block);
  const seen = visionAttention(tf, vision, tables, qkv, frames, isFull);
  const middle = tf.add<Tensor2D>(x, linear(tf, seen, weights.linear(`${at}.attn.proj`)));
  const inner = rmsNorm(tf, middle, weights.vector(`${at}.norm2.weight`), 1e-6);
  const gate = linear(tf, inner, weights.linear(`${at}.mlp.gate_proj`));
  const up = linear(tf, inner, weights.linear(`${at}.mlp.up_proj`));
  return tf.add(middle, linear(tf, swiGlu(tf, gate, up), weights.linear(`${at}.mlp.down_proj`)));
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
  { plan, queries, keys }: VisionTables,
  qkv: Tensor2D,
  frames: number,
  isFull: boolean,
): Tensor2D {
  const { heads } = vision;
  const headDim = vision.hiddenSize / heads;
  const patches = qkv.shape[0] / frames;
  const unit = vision.spatialMergeSize ** 2;
  const byKind = tf.transpose(tf.reshape(qkv, [frames, patches, 3, heads, headDim]), [2, 0, 3, 1, 4]);
  const each = tf.split(byKind, 3, 0).map((t) => tf.reshape<Rank.R4>(t, [frames, heads, patches, headDim]));
  const q = rotate(tf, each[0]!, queries);
  const k = rotate(tf, each[1]!, keys);
  const v = each[2]!;
  let out: Tensor4D;
  if (isFull || (plan.groups.length === 1 && plan.groups[0]!.windows === 1)) {
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
