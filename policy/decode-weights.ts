import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { PolicyConfig } from './config.js';
import { layerWeights, queryKeyValue, type LayerWeights } from './decoder.js';
import { joinLinears, type Linear } from './linear.js';
import type { Policy } from './policy.js';

/** The decoder's weights by short names, as the inputs of a decoding step. */
export interface DecodeWeights {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Factor of low-rank parts. */
  readonly scale: number;
  /** Frees what is not the policy's own. */
  dispose(): void;
}

/** Collects the weights; the projections to queries, keys and values are joined once for all steps where they can be. */
export function decodeWeights(policy: Policy): DecodeWeights {
  const { config, backend } = policy;
  const { tf } = backend;
  const reader = policy.reader();
  const tensors: Record<string, Tensor> = {
    embedding: reader.matrix('model.embed_tokens.weight'),
    norm: reader.vector('model.norm.weight'),
  };
  const own: Tensor[] = [];
  const add = (name: string, { weight, bias, lowRank }: Linear): void => {
    tensors[`${name}.weight`] = weight;
    if (bias !== undefined) tensors[`${name}.bias`] = bias;
    if (lowRank === undefined) return;
    tensors[`${name}.a`] = lowRank.a;
    tensors[`${name}.b`] = lowRank.b;
  };
  if (!config.tieWordEmbeddings) add('head', reader.linear('lm_head'));
  for (let at = 0; at < config.layers; at++) {
    const layer = layerWeights(reader, at);
    tensors[`${at}/inputNorm`] = layer.inputNorm;
    tensors[`${at}/innerNorm`] = layer.innerNorm;
    for (const name of ['output', 'gate', 'up', 'down'] as const) add(`${at}/${name}`, layer[name]);
    const joined = tf.tidy(
      () => joinLinears(tf, queryKeyValue(config, layer)) as Linear & Record<string, Tensor>,
    );
    if (joined === null) {
      for (const name of ['query', 'key', 'value'] as const) add(`${at}/${name}`, layer[name]);
    } else {
      own.push(joined.weight, ...(joined.bias === undefined ? [] : [joined.bias]));
      add(`${at}/joined`, joined);
    }
  }
  const { adapter } = policy;
  const scale = adapter === null ? 0 : adapter.config.alpha / adapter.config.rank;
  return { tensors, scale, dispose: () => tf.dispose(own) };
}

/** A linear layer out of the named tensors. */
export function readLinear(named: Readonly<Record<string, Tensor>>, name: string, scale: number): Linear {
  const [bias, a, b] = ['bias', 'a', 'b'].map((part) => named[`${name}.${part}`]);
  return {
    weight: named[`${name}.weight`] as Tensor2D,
    ...(bias === undefined ? {} : { bias: bias as Tensor1D }),
    ...(a === undefined ? {} : { lowRank: { a: a as Tensor2D, b: b as Tensor2D, scale } }),
  };
}

/** One layer out of the named tensors. */
export function decodeLayer(
  config: PolicyConfig,
  named: Readonly<Record<string, Tensor>>,
  at: number,
  scale: number,
): Omit<LayerWeights, 'query' | 'key' | 'value'> & {
  readonly projections: ReturnType<typeof queryKeyValue>;
} {
  const own = (name: string) => readLinear(named, `${at}/${name}`, scale);
  const rest = {
    inputNorm: named[`${at}/inputNorm`] as Tensor1D,
    innerNorm: named[`${at}/innerNorm`] as Tensor1D,
    output: own('output'),
    gate: own('gate'),
    up: own('up'),
    down: own('down'),
  };
  const projections =
    `${at}/joined.weight` in named
      ? [{ linear: own('joined'), factor: 1 }]
      : queryKeyValue(config, { ...rest, query: own('query'), key: own('key'), value: own('value') });
  return { ...rest, projections };
}
