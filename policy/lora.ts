import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import { deriveKey, Random, type RandomKey } from '../core/random.js';
import type { Backend } from './backend.js';
import type { PolicyConfig } from './config.js';
import { dropOut } from './dropout.js';
import type { LowRank } from './linear.js';
import { parameterSpecs } from './parameters.js';
import type { ParameterLookup } from './weight-reader.js';

/** LoRA (Hu et al. 2021) as peft configures it. */
export interface LoraConfig {
  readonly rank: number;
  /** The low-rank part counts alpha / rank. */
  readonly alpha: number;
  /** Share of a layer's inputs that its low-rank part does not see while training. */
  readonly dropout: number;
  /**
   * peft's `target_modules`: last parts of module names, or one regular expression that a whole module name must match,
   * or `all-linear` (every linear layer but the output head).
   */
  readonly targets: readonly string[] | string;
}

/** A low-rank adapter over a policy's linear layers. */
export interface LoraAdapter {
  readonly config: LoraConfig;
  /** `<linear>.lora_A.weight` [rank, in] and `<linear>.lora_B.weight` [out, rank], in the network's order. */
  readonly variables: ReadonlyMap<string, Variable>;
}

/** The names of an adapter's two matrices. */
export const loraNames = (linear: string): { a: string; b: string } => ({
  a: `${linear}.lora_A.weight`,
  b: `${linear}.lora_B.weight`,
});

/** A linear layer under the module name that transformers 4.57 gives it, which peft's targets speak of. */
export const moduleName = (linear: string): string =>
  linear.replace(/^visual\./, 'model.visual.').replace(/^model\.(?!visual\.)/, 'model.language_model.');

/**
 * The linear layers that `targets` selects, by released name and in the network's order. TerminalError
 * `policy.bad-lora` for a regular expression that cannot be read and for targets that select nothing.
 */
export function loraTargets(config: PolicyConfig, targets: LoraConfig['targets']): string[] {
  const linears = [...parameterSpecs(config)]
    .filter(
      ([name, { shape }]) => name.endsWith('.weight') && shape.length === 2 && !/embed_tokens/.test(name),
    )
    .map(([name]) => name.slice(0, -'.weight'.length));
  const matches = matcher(targets);
  const found = linears.filter((name) => matches(moduleName(name)));
  if (found.length === 0) {
    const ends = [...new Set(linears.map((name) => name.split('.').at(-1)!))].sort();
    throw new TerminalError(
      'policy.bad-lora',
      `LoRA targets ${JSON.stringify(targets)} select no linear layer`,
      {
        fix: `name some of ${ends.join(', ')}, or all-linear`,
      },
    );
  }
  return found;
}

function matcher(targets: LoraConfig['targets']): (module: string) => boolean {
  if (targets === 'all-linear') return (module) => module !== 'lm_head';
  if (typeof targets === 'string') {
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^(?:${targets})$`, 'u');
    } catch (cause) {
      const message = `LoRA targets ${JSON.stringify(targets)} are no regular expression`;
      throw new TerminalError('policy.bad-lora', message, { cause });
    }
    return (module) => pattern.test(module);
  }
  return (module) => targets.some((target) => module === target || module.endsWith(`.${target}`));
}

/**
 * A fresh adapter: A as peft initialises it (uniform, Kaiming with a = sqrt 5, so within 1 / sqrt in), B zero, so that
 * the policy's outputs do not change at first.
 */
export function freshAdapter(
  backend: Backend,
  config: PolicyConfig,
  lora: LoraConfig,
  key: RandomKey,
): LoraAdapter {
  const specs = parameterSpecs(config);
  const variables = new Map<string, Variable>();
  for (const linear of loraTargets(config, lora.targets)) {
    const [outputs, inputs] = specs.get(`${linear}.weight`)!.shape as [number, number];
    const names = loraNames(linear);
    const random = new Random(deriveKey(key[0], key[1], 'lora', linear));
    const bound = 1 / Math.sqrt(inputs);
    const a = Float32Array.from({ length: lora.rank * inputs }, () => random.uniform(-bound, bound));
    variables.set(names.a, variable(backend, a, [lora.rank, inputs]));
    variables.set(names.b, variable(backend, new Float32Array(outputs * lora.rank), [outputs, lora.rank]));
  }
  return { config: lora, variables };
}

function variable({ tf }: Backend, values: Float32Array, shape: [number, number]): Variable {
  return tf.tidy(() => tf.variable(tf.tensor(values, shape), false));
}

/**
 * The low-rank part of every adapted layer, for a weight reader.
 *
 * @param prefix stands before the adapter's names in `parameter`
 * @param seed int32 [2] for this step's dropout; absent outside training
 */
export function lowRankParts(
  backend: Backend,
  adapter: LoraAdapter,
  parameter: ParameterLookup,
  { prefix = '', seed }: { readonly prefix?: string; readonly seed?: Tensor } = {},
): (linear: string) => LowRank | undefined {
  const { rank, alpha, dropout } = adapter.config;
  const order = new Map([...adapter.variables.keys()].map((name, at) => [name, at]));
  return (linear) => {
    const { a, b } = loraNames(linear);
    const at = order.get(a);
    if (at === undefined) return undefined;
    const matrix = (name: string) => parameter(prefix + name) as Tensor2D;
    const scale = alpha / rank;
    if (dropout === 0 || seed === undefined) return { a: matrix(a), b: matrix(b), scale };
    const drop = (x: Tensor2D) => dropOut(backend, x, dropout, seed, at);
    return { a: matrix(a), b: matrix(b), scale, dropout: drop };
  };
}

/** W + alpha / rank * B A, the weight that a layer has once its adapter is merged; a new tensor. */
export function mergedWeight(
  { tf }: Backend,
  adapter: LoraAdapter,
  linear: string,
  weight: Tensor2D,
): Tensor2D {
  const { a, b } = loraNames(linear);
  const { rank, alpha } = adapter.config;
  return tf.tidy(() => {
    const product = tf.matMul(adapter.variables.get(b) as Tensor2D, adapter.variables.get(a) as Tensor2D);
    return tf.add<Tensor2D>(weight, tf.mul(product, alpha / rank));
  });
}
