import type { Rank, Tensor, Tensor2D, Tensor3D, Variable } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import { deriveKey, Random, type RandomKey } from '../core/random.js';
import type { Backend } from './backend.js';
import type { BatchTensors } from './batch-tensors.js';
import type { CompiledStep } from './compile.js';
import type { PolicyConfig } from './config.js';
import { decoderLayer, layerWeights } from './decoder.js';
import { linear } from './linear.js';
import {
  freshAdapter,
  loraNames,
  lowRankParts,
  mergedWeight,
  type LoraAdapter,
  type LoraConfig,
} from './lora.js';
import type { Segment } from './media.js';
import { loadVariables } from './load-variables.js';
import { readModelFolder, type ModelOrigin } from './model-folder.js';
import { writeModelFolder, type ModelWriteOptions } from './model-folder-writer.js';
import { embed, rmsNorm } from './ops.js';
import { parameterSpecs } from './parameters.js';
import { recompute } from './recompute.js';
import type { Tokenizer } from './tokenizer.js';
import {
  disposeVisionTables,
  visionTables,
  visionTower,
  type LayerRunner,
  type VisionTables,
} from './vision-tower.js';
import type { PatchGrid } from './vision-windows.js';
import { weightReader, type ParameterLookup, type WeightReader } from './weight-reader.js';

/** How a forward pass is run; everything may be left out. */
export interface ForwardPass {
  /** Where parameters are read; the policy's own variables when absent. */
  readonly parameter?: ParameterLookup;
  /** Stands before the names of the adapter's parameters in `parameter`; null runs the base without the adapter. */
  readonly adapterPrefix?: string | null;
  /** int32 [2]: draws this step's LoRA dropout; absent outside training. */
  readonly dropoutSeed?: Tensor;
  /** Recomputes every layer for its gradient instead of keeping what it needs; says which parameters take gradients. */
  readonly recompute?: (parameter: string) => boolean;
}

/** A Qwen2.5-VL model on a backend, with at most one LoRA adapter. */
export class Policy {
  readonly #tables = new Map<string, VisionTables>();
  readonly #compiled = new Map<string, CompiledStep>();
  readonly #names: readonly string[];
  #adapter: LoraAdapter | null = null;

  private constructor(
    readonly backend: Backend,
    readonly config: PolicyConfig,
    /** By Hugging Face name, in the network's order; not trainable through `tf.train`. */
    readonly variables: ReadonlyMap<string, Variable>,
    /** What the folder said that the model was loaded from, for the folder that it is saved to. */
    private readonly origin: ModelOrigin | null = null,
  ) {
    this.#names = [...parameterSpecs(config).keys()];
  }

  /** A fresh model as transformers initialises it: normal weights, zero biases, unit norms. */
  static initialise(backend: Backend, config: PolicyConfig, key: RandomKey): Policy {
    const variables = new Map<string, Variable>();
    for (const [name, { shape, start }] of parameterSpecs(config)) {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      if ('constant' in start) values.fill(start.constant);
      else {
        const random = new Random(deriveKey(key[0], key[1], 'initialise', name));
        for (let i = 0; i < values.length; i++) values[i] = start.normal * random.normal();
      }
      variables.set(name, toVariable(backend, values, shape));
    }
    return new Policy(backend, config, variables);
  }

  /** Reads a model folder (TerminalErrors as {@link readModelFolder}) straight to the device. */
  static async load(backend: Backend, folder: string): Promise<Policy> {
    const model = await readModelFolder(folder);
    try {
      return new Policy(backend, model.config, await loadVariables(backend, model), model.origin);
    } finally {
      await model.close();
    }
  }

  /** Writes a complete model folder that transformers and vLLM load, without the adapter. */
  async save(folder: string, tokenizer: Tokenizer, options: ModelWriteOptions = {}): Promise<void> {
    const { config, origin } = this;
    const values = (name: string) => this.variables.get(name)!.data() as Promise<Float32Array>;
    await writeModelFolder(folder, { config, origin, tokenizer, values }, options);
  }

  /** The adapter that forward passes use, or null. */
  get adapter(): LoraAdapter | null {
    return this.#adapter;
  }

  /** Starts a fresh adapter, which changes no output yet. TerminalErrors as {@link loraTargets}. */
  addAdapter(config: LoraConfig, key: RandomKey): LoraAdapter {
    this.setAdapter(freshAdapter(this.backend, this.config, config, key));
    return this.#adapter!;
  }

  /** Takes over an adapter (null for none) and disposes of the one before. */
  setAdapter(adapter: LoraAdapter | null): void {
    for (const variable of this.#adapter?.variables.values() ?? []) variable.dispose();
    this.#adapter = adapter;
    // Compiled steps hold the layers as they were.
    this.#forgetCompiled();
  }

  /** Adds the adapter to the weights for good and drops it. */
  mergeAdapter(): void {
    const adapter = this.#adapter;
    if (adapter === null) return;
    for (const [name, variable] of this.variables) {
      if (!name.endsWith('.weight') || variable.rank !== 2) continue;
      const layer = name.slice(0, -'.weight'.length);
      if (!adapter.variables.has(loraNames(layer).a)) continue;
      const merged = mergedWeight(this.backend, adapter, layer, variable as unknown as Tensor2D);
      variable.assign(merged);
      merged.dispose();
    }
    this.setAdapter(null);
  }

  /** The parameters and the adapter's, for the functions that can run on others. */
  readonly parameter: ParameterLookup = (name) => {
    const found = this.variables.get(name) ?? this.#adapter?.variables.get(name);
    if (found === undefined)
      throw new TerminalError('policy.unknown-parameter', `the model has no parameter ${name}`);
    return found;
  };

  /** Parameters as a forward pass reads them. */
  reader({ parameter = this.parameter, adapterPrefix = '', dropoutSeed }: ForwardPass = {}): WeightReader {
    const adapter = adapterPrefix === null ? null : this.#adapter;
    const low =
      adapter === null
        ? () => undefined
        : lowRankParts(this.backend, adapter, parameter, {
            prefix: adapterPrefix ?? '',
            ...(dropoutSeed === undefined ? {} : { seed: dropoutSeed }),
          });
    return weightReader(parameter, (layer) => this.variables.has(`${layer}.bias`), low);
  }

  /**
   * Embeds videos and images.
   *
   * @param patches [patches, patch values], in the order of {@link layOutVision}
   * @returns [tokens, hidden]
   */
  vision(patches: Tensor2D, segments: readonly Segment[], pass: ForwardPass = {}): Tensor2D {
    const { tf } = this.backend;
    const { vision } = this.config;
    return tf.tidy(() => {
      const layer: LayerRunner = (prefix, x, body) => this.#layer(pass, prefix, x, body);
      const sizes = segments.map(({ frames, h, w }) => frames * h * w);
      const parts = segments.length === 1 ? [patches] : tf.split<Tensor2D>(patches, sizes, 0);
      const seen = segments.map((segment, at) =>
        visionTower(tf, vision, this.reader(pass), this.#visionTables(segment), parts[at]!, segment, layer),
      );
      return seen.length === 1 ? seen[0]! : tf.concat(seen, 0);
    });
  }

  /**
   * Logits of the batch's predicted positions.
   *
   * @param vision [tokens, hidden], or null for text alone
   * @returns [rows, predicted, vocabulary]
   */
  logits(batch: BatchTensors, vision: Tensor2D | null, pass: ForwardPass = {}): Tensor3D {
    const { tf } = this.backend;
    const { config } = this;
    return tf.tidy(() => {
      const { sequenceIds } = batch;
      const [rows, length] = batch.ids.shape;
      const predicted = batch.targets.shape[1];
      const from = length - predicted;
      const rotary = { cos: batch.cos, signedSin: batch.signedSin };
      let x = this.embed(batch.ids, vision, batch.visionIndex, pass);
      for (let at = 0; at < config.layers; at++) {
        const span = at === config.layers - 1 ? { from: from - 1, to: length - 1 } : undefined;
        x = this.#layer(pass, `model.layers.${at}.`, x, (weights, input) => {
          const own = layerWeights(weights, at);
          return decoderLayer(tf, config, own, input, rows, rotary, { span, sequenceIds }).x;
        });
      }
      return tf.reshape(this.head(x, pass), [rows, predicted, config.vocabSize]);
    });
  }

  /** ids and visionIndex int32 of any shape to [count, hidden]. */
  embed(ids: Tensor, vision: Tensor2D | null, visionIndex: Tensor, pass: ForwardPass = {}): Tensor2D {
    const { tf } = this.backend;
    const flat = (t: Tensor) => tf.reshape<Rank.R1>(t, [-1]);
    const table = this.reader(pass).matrix('model.embed_tokens.weight');
    return embed(tf, table, flat(ids), vision, flat(visionIndex));
  }

  /** The last norm and the output head: [count, hidden] to [count, vocabulary]. */
  head(x: Tensor2D, pass: ForwardPass = {}): Tensor2D {
    const { tf } = this.backend;
    const weights = this.reader(pass);
    const normal = rmsNorm(tf, x, weights.vector('model.norm.weight'), this.config.rmsNormEps);
    const tied = { weight: weights.matrix('model.embed_tokens.weight') };
    return linear(tf, normal, this.config.tieWordEmbeddings ? tied : weights.linear('lm_head'));
  }

  /** A compiled step that lives as long as the policy and its adapter, made when it is first asked for. */
  compiled(key: string, make: () => CompiledStep): CompiledStep {
    const known = this.#compiled.get(key) ?? make();
    this.#compiled.set(key, known);
    return known;
  }

  dispose(): void {
    this.setAdapter(null);
    for (const variable of this.variables.values()) variable.dispose();
    for (const tables of this.#tables.values()) disposeVisionTables(tables);
    this.#tables.clear();
  }

  #forgetCompiled(): void {
    for (const step of this.#compiled.values()) step.dispose();
    this.#compiled.clear();
  }

  /** Runs one layer, whose parameters' names begin with `prefix`, as the pass says. */
  #layer(
    pass: ForwardPass,
    prefix: string,
    x: Tensor2D,
    body: (weights: WeightReader, x: Tensor2D) => Tensor2D,
  ): Tensor2D {
    const takesGradient = pass.recompute;
    // A scope of its own: what a layer needs in between goes before the next one runs.
    if (takesGradient === undefined) return this.backend.tf.tidy(() => body(this.reader(pass), x));
    const { parameter = this.parameter } = pass;
    const own = [...this.#names, ...(this.#adapter?.variables.keys() ?? [])];
    const trained = own.filter((name) => name.startsWith(prefix) && takesGradient(name));
    return recompute(this.backend, [x, ...trained.map(parameter)], ([input, ...values], read) => {
      const given = new Map(trained.map((name, at) => [name, values[at]!]));
      const lookup: ParameterLookup = (name) => given.get(name) ?? read(parameter(name));
      return body(this.reader({ ...pass, parameter: lookup }), input as Tensor2D);
    });
  }

  /** Constant tables of a picture size, kept for the life of the policy. */
  #visionTables({ h, w }: PatchGrid): VisionTables {
    const { tf } = this.backend;
    const key = `${h}x${w}`;
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const tables = visionTables(tf, this.config.vision, { h, w });
    for (const table of [tables.queries, tables.keys]) {
      tf.keep(table.cos);
      tf.keep(table.signedSin);
    }
    this.#tables.set(key, tables);
    return tables;
  }
}

function toVariable({ tf }: Backend, values: Float32Array, shape: readonly number[]): Variable {
  const tensor = tf.tensor(values, [...shape], 'float32');
  const variable = tf.variable(tensor, false);
  tensor.dispose();
  return variable;
}
