import type { Rank, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { Backend, TensorFlow } from './backend.js';
import { compileStep, type CompiledStep } from './compile.js';
import { decodeLayer, readLinear, type DecodeWeights } from './decode-weights.js';
import { finishLayer, flatten, rotatedHeads } from './decoder.js';
import { TAIL, type KeyValueCache } from './key-value-cache.js';
import { linear, linearJointly } from './linear.js';
import { rmsNorm, signedSine, tokenLogProbabilities } from './ops.js';
import type { Policy } from './policy.js';
import { mropeTable } from './positions.js';
import { sample, type SamplingRule } from './sampling.js';

/** From this many rows on, decoding runs as a graph: below, eager code is as fast and needs no compilation. */
const GRAPH_ROWS = 8;

/** Row counts that decoding is compiled for; smaller batches are padded up to one of them. */
const ROW_BUCKETS = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128];

/** The batch size that `rows` sequences are decoded at. */
export function rowBucket(rows: number): number {
  return ROW_BUCKETS.find((bucket) => bucket >= rows) ?? Math.ceil(rows / 64) * 64;
}

/** One token per row. */
export type Drawn = {
  /** int32 [rows] */
  readonly tokens: Tensor1D;
  /** [rows] */
  readonly logProbs: Tensor1D;
};

/**
 * Decodes one token for every row and draws the next one. Everything comes in through tensors whose shapes change only
 * when a tail joins the cache or rows leave, so that few graphs serve all tokens.
 */
export class Decoding {
  constructor(
    private readonly policy: Policy,
    private readonly rule: SamplingRule,
  ) {}

  /**
   * @param ids the rows' last tokens; @param positions where they stand; @param uniforms for the draw, one per row
   * @returns `tokens` int32 [rows] and their log-probabilities [rows]; the cache has moved on by one token
   */
  next(
    weights: DecodeWeights,
    cache: KeyValueCache,
    ids: readonly number[],
    positions: readonly number[],
    uniforms: readonly number[],
  ): Drawn {
    const { tf } = this.policy.backend;
    const { headDim } = this.policy.config;
    const rows = ids.length;
    const table = mropeTable(this.policy.config, Int32Array.from([...positions, ...positions, ...positions]));
    const shape: [number, number, number, number] = [rows, 1, 1, headDim];
    const at = Array.from({ length: TAIL }, (_, i) => i);
    const own = {
      ids: tf.tensor1d(Int32Array.from(ids), 'int32'),
      cos: tf.tensor4d(table.cos, shape),
      signedSin: tf.tensor4d(signedSine(table.sin, headDim), shape),
      uniforms: tf.tensor2d(Float32Array.from(uniforms), [rows, 1]),
      written: tf.tensor4d(
        at.map((i) => (i === cache.slot ? 1 : 0)),
        [1, 1, TAIL, 1],
      ),
      shown: tf.tensor1d(at.map((i) => (i <= cache.slot ? 0 : -1e9))),
    };
    const inputs = { ...weights.tensors, ...cache.inputs(), ...own };
    const { tokens, logProbs, ...tails } = this.#step(weights, rows, cache).run(inputs);
    cache.advance(tails);
    tf.dispose(own);
    return { tokens: tokens as Tensor1D, logProbs: logProbs as Tensor1D };
  }

  /** The step for one combination of shapes; the policy keeps it for the next time. */
  #step({ scale }: DecodeWeights, rows: number, cache: KeyValueCache): CompiledStep {
    const { policy, rule } = this;
    const { backend } = policy;
    const key = [rule.temperature, rule.topP, rows, cache.inputs()['hidden']!.shape[2]].join(':');
    return policy.compiled(`decode:${key}`, () => {
      // A GPU would fetch every fed weight from the host, so there decoding stays eager.
      const isGraph = rows >= GRAPH_ROWS && backend.name === 'tensorflow-cpu';
      return compileStep(isGraph ? backend : { ...backend, name: 'plain-js' }, {
        state: new Map(),
        step: (named) => ({ outputs: this.#decode(named, scale), updates: new Map() }),
      });
    });
  }

  #decode(inputs: Readonly<Record<string, Tensor>>, scale: number): Record<string, Tensor> {
    const { backend, config } = this.policy;
    const { tf } = backend;
    const outputs: Record<string, Tensor> = {};
    const ids = inputs['ids'] as Tensor1D;
    const rows = ids.shape[0];
    const embedding = inputs['embedding'] as Tensor2D;
    const rotary = { cos: inputs['cos']!, signedSin: inputs['signedSin']! };
    const unwritten = tf.sub(1, inputs['written']!);
    /** A tail with the new token in its slot. */
    const write = (name: string, token: Tensor4D): Tensor4D => {
      const tail = tf.add<Tensor4D>(tf.mul(inputs[name]!, unwritten), tf.mul(token, inputs['written']!));
      outputs[name] = tail;
      return tail;
    };
    let x = tf.gather(embedding, ids);
    for (let layer = 0; layer < config.layers; layer++) {
      const weights = decodeLayer(config, inputs, layer, scale);
      const normal = rmsNorm(tf, x, weights.inputNorm, config.rmsNormEps);
      const joint = linearJointly(tf, normal, weights.projections);
      const [q, k, v] = rotatedHeads(tf, config, joint, rows, rotary);
      const [kTail, vTail] = [write(`kTail${layer}`, k), write(`vTail${layer}`, v)];
      const [kHead, vHead] = [inputs[`k${layer}`] as Tensor4D, inputs[`v${layer}`] as Tensor4D];
      const seen = cachedAttention(tf, q, [kHead, vHead], [kTail, vTail], inputs);
      x = finishLayer(tf, config, weights, x, flatten(tf, config, seen));
    }
    const normal = rmsNorm(tf, x, inputs['norm'] as Tensor1D, config.rmsNormEps);
    const head = config.tieWordEmbeddings ? { weight: embedding } : readLinear(inputs, 'head', scale);
    return {
      ...outputs,
      ...draw(backend, linear(tf, normal, head), inputs['uniforms'] as Tensor2D, this.rule),
    };
  }
}

/** Attention of one new token per row over the long part of its cache and the tail. */
function cachedAttention(
  tf: TensorFlow,
  q: Tensor4D,
  [kHead, vHead]: readonly [Tensor4D, Tensor4D],
  [kTail, vTail]: readonly [Tensor4D, Tensor4D],
  { hidden, shown }: Readonly<Record<string, Tensor>>,
): Tensor4D {
  const [rows, heads, , dim] = q.shape;
  const keyValueHeads = kHead.shape[1];
  // Query heads that share a key head are one batch entry of the products.
  const grouped = tf.reshape<Rank.R4>(q, [rows, keyValueHeads, heads / keyValueHeads, dim]);
  const long = tf.add(tf.matMul<Tensor4D>(grouped, kHead, false, true), tf.expandDims(hidden!, 1));
  const short = tf.add(tf.matMul(grouped, kTail, false, true), shown!);
  const weights = tf.softmax(tf.concat([long, short], -1));
  const [a, b] = tf.split(weights, [kHead.shape[2], TAIL], -1);
  return tf.reshape(tf.add(tf.matMul(a!, vHead), tf.matMul(b!, vTail)), q.shape);
}

/** Draws a token per row, and tells its log-probability at the sampling temperature (1 when greedy), before top-p. */
export function draw(backend: Backend, logits: Tensor2D, uniforms: Tensor2D, rule: SamplingRule): Drawn {
  const { tf } = backend;
  const tokens = sample(tf, logits, uniforms, rule);
  const { temperature } = rule;
  const scaled = temperature === 0 || temperature === 1 ? logits : tf.div(logits, temperature);
  return { tokens, logProbs: tokenLogProbabilities(backend, scaled, tokens) as Tensor1D };
}
