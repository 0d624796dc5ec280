import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { TensorFlow } from './backend.js';
import { compileStep, type CompiledStep } from './compile.js';
import type { PolicyConfig } from './config.js';
import {
  decoderRotary,
  finishLayer,
  groupedQueries,
  keysAndValues,
  ungroup,
  type LayerWeights,
} from './decoder.js';
import { TAIL, type KeyValueCache } from './key-value-cache.js';
import { linear, rmsNorm, signedSine } from './ops.js';
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

/** The weights of a decoding step by short names; joined matrices are new tensors that the caller disposes of. */
export function decodeWeights(policy: Policy, layers: readonly LayerWeights[]): Record<string, Tensor> {
  const { config, parameter } = policy;
  const named: Record<string, Tensor> = {
    embedding: parameter('model.embed_tokens.weight'),
    norm: parameter('model.norm.weight'),
  };
  if (!config.tieWordEmbeddings) named['head'] = parameter('lm_head.weight');
  layers.forEach((weights, layer) => {
    for (const [name, tensor] of Object.entries(weights)) named[`${layer}/${name}`] = tensor as Tensor;
  });
  return named;
}

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
   * @returns int32 [rows]; the cache has moved on by one token
   */
  next(
    weights: Readonly<Record<string, Tensor>>,
    cache: KeyValueCache,
    ids: readonly number[],
    positions: readonly number[],
    uniforms: readonly number[],
  ): Tensor1D {
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
    const inputs = { ...weights, ...cache.inputs(), ...own };
    const { tokens, ...tails } = this.#step(rows, cache).run(inputs);
    cache.advance(tails);
    tf.dispose(own);
    return tokens as Tensor1D;
  }

  /** The step for one combination of shapes; the policy keeps it for the next time. */
  #step(rows: number, cache: KeyValueCache): CompiledStep {
    const { policy, rule } = this;
    const { backend, config } = policy;
    const key = [rule.temperature, rule.topP, rows, cache.inputs()['hidden']!.shape[2]].join(':');
    return policy.compiled(`decode:${key}`, () => {
      // A GPU would fetch every fed weight from the host, so there decoding stays eager.
      const isGraph = rows >= GRAPH_ROWS && backend.name === 'tensorflow-cpu';
      return compileStep(isGraph ? backend : { ...backend, name: 'plain-js' }, {
        state: new Map(),
        step: (named) => ({ outputs: decodeStep(backend.tf, config, named, rule), updates: new Map() }),
      });
    });
  }
}

function decodeStep(
  tf: TensorFlow,
  config: PolicyConfig,
  inputs: Readonly<Record<string, Tensor>>,
  rule: SamplingRule,
): Record<string, Tensor> {
  const outputs: Record<string, Tensor> = {};
  const ids = inputs['ids'] as Tensor1D;
  const rows = ids.shape[0];
  const embedding = inputs['embedding'] as Tensor2D;
  const rotaries = decoderRotary(tf, config, inputs['cos']!, inputs['signedSin']!);
  const unwritten = tf.sub(1, inputs['written']!);
  /** A tail with the new token in its slot. */
  const write = (name: string, token: Tensor4D): Tensor4D => {
    const tail = tf.add<Tensor4D>(tf.mul(inputs[name]!, unwritten), tf.mul(token, inputs['written']!));
    outputs[name] = tail;
    return tail;
  };
  let x = tf.gather(embedding, ids);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `${layer}/`;
    const own = Object.entries(inputs).filter(([name]) => name.startsWith(prefix));
    const weights = Object.fromEntries(
      own.map(([name, t]) => [name.slice(prefix.length), t]),
    ) as unknown as LayerWeights;
    const normal = rmsNorm(tf, x, weights.inputNorm, config.rmsNormEps);
    const [k, v] = keysAndValues(tf, config, weights, normal, rows, rotaries.keys);
    const q = groupedQueries(tf, config, weights, normal, rows, rotaries.queries);
    const [kTail, vTail] = [write(`kTail${layer}`, k), write(`vTail${layer}`, v)];
    const [kHead, vHead] = [inputs[`k${layer}`] as Tensor4D, inputs[`v${layer}`] as Tensor4D];
    const long = tf.matMul<Tensor4D>(q, kHead, false, true);
    const visible = tf.add(long, tf.expandDims(inputs['hidden']!, 1));
    const short = tf.add(tf.matMul(q, kTail, false, true), inputs['shown']!);
    const split = kHead.shape[2];
    const [a, b] = tf.split(tf.softmax(tf.concat([visible, short], -1)), [split, TAIL], -1);
    const seen = tf.add<Tensor4D>(tf.matMul(a!, vHead), tf.matMul(b!, vTail));
    x = finishLayer(tf, config, weights, x, ungroup(tf, config, seen));
  }
  const normal = rmsNorm(tf, x, inputs['norm'] as Tensor1D, config.rmsNormEps);
  const logits = linear(tf, normal, (inputs['head'] ?? embedding) as Tensor2D);
  return { ...outputs, tokens: sample(tf, logits, inputs['uniforms'] as Tensor2D, rule) };
}
