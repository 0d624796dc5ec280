import type { Rank, Tensor, Tensor1D, Tensor2D, Tensor3D, Variable } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import { deriveKey, Random, type RandomKey } from '../core/random.js';
import type { Backend } from './backend.js';
import type { PolicyBatch } from './batch.js';
import type { CompiledStep } from './compile.js';
import type { PolicyConfig } from './config.js';
import { decoderLayer, decoderRotary, layerWeights } from './decoder.js';
import { readModelFolder, writeModelFolder } from './model-folder.js';
import { embed, linear, rmsNorm, signedSine } from './ops.js';
import { parameterSpecs } from './parameters.js';
import { mropeTable } from './positions.js';
import type { Grid } from './processor.js';
import type { Tokenizer } from './tokenizer.js';
import {
  disposeVisionTables,
  visionTables,
  visionTower,
  type ParameterLookup,
  type VisionTables,
} from './vision-tower.js';

/**
 * A batch on the device. All that a forward pass depends on is in these tensors and their shapes, so a compiled step
 * can take them as its inputs.
 */
export type BatchTensors = {
  /** int32 [rows, length] */
  readonly ids: Tensor2D;
  /** int32 [rows, length]: row of the flattened vision tensor, -1 for text */
  readonly visionIndex: Tensor2D;
  /** [length, headDim] */
  readonly cos: Tensor2D;
  /** [length, headDim], the first half negated */
  readonly signedSin: Tensor2D;
  /** int32 [rows, predicted] */
  readonly targets: Tensor2D;
  /** [rows, predicted] */
  readonly mask: Tensor2D;
};

/**
 * Puts a batch on the device; the caller disposes of the tensors. `batch.visionRow` counts videos of the vision
 * tensor that the batch is run with.
 */
export function batchTensors(backend: Backend, config: PolicyConfig, batch: PolicyBatch): BatchTensors {
  const { tf } = backend;
  const { rows, length, predicted, visionRow, videoOffset, videoTokens } = batch;
  const index = new Int32Array(rows * length).fill(-1);
  for (let row = 0; row < rows; row++) {
    // By offset, not by id: a completion may hold a placeholder's id as a token of its own.
    const first = row * length + Math.max(videoOffset, 0);
    for (let i = 0; i < videoTokens; i++) index[first + i] = visionRow[row]! * videoTokens + i;
  }
  // Rows share their positions: the video is at one offset, and text counts on after it.
  const shared = new Int32Array(3 * length);
  for (let axis = 0; axis < 3; axis++) {
    shared.set(batch.positions.subarray(axis * rows * length, axis * rows * length + length), axis * length);
  }
  const table = mropeTable(config, shared);
  return {
    ids: tf.tensor2d(batch.ids, [rows, length], 'int32'),
    visionIndex: tf.tensor2d(index, [rows, length], 'int32'),
    cos: tf.tensor2d(table.cos, [length, config.headDim]),
    signedSin: tf.tensor2d(signedSine(table.sin, config.headDim), [length, config.headDim]),
    targets: tf.tensor2d(batch.targets, [rows, predicted], 'int32'),
    mask: tf.tensor2d(batch.mask, [rows, predicted]),
  };
}

/** A Qwen2.5-VL model on a backend. */
export class Policy {
  readonly #tables = new Map<string, VisionTables>();
  readonly #compiled = new Map<string, CompiledStep>();

  private constructor(
    readonly backend: Backend,
    readonly config: PolicyConfig,
    /** By Hugging Face name, in the network's order; not trainable through `tf.train`. */
    readonly variables: ReadonlyMap<string, Variable>,
  ) {}

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

  /** Reads a model folder; errors name the file, the tensor and both shapes. */
  static async load(backend: Backend, folder: string): Promise<Policy> {
    const model = await readModelFolder(folder);
    const variables = new Map<string, Variable>();
    try {
      for await (const { name, shape, values } of model.parameters()) {
        variables.set(name, toVariable(backend, values, shape));
      }
    } catch (error) {
      for (const variable of variables.values()) variable.dispose();
      throw error;
    }
    return new Policy(backend, model.config, variables);
  }

  /** Writes a complete model folder that transformers and vLLM load. */
  async save(folder: string, tokenizer: Tokenizer): Promise<void> {
    const values = (name: string) => this.variables.get(name)!.data() as Promise<Float32Array>;
    await writeModelFolder(folder, { config: this.config, tokenizer, values });
  }

  /** The model's own parameters, for the functions that can run on others. */
  readonly parameter: ParameterLookup = (name) => {
    const found = this.variables.get(name);
    if (found === undefined)
      throw new TerminalError('policy.unknown-parameter', `the model has no parameter ${name}`);
    return found;
  };

  /**
   * Embeds videos of one grid.
   *
   * @param patches [videos * t * h * w, patch values]
   * @returns [videos, tokens, hidden]
   */
  vision(
    patches: Tensor2D,
    grid: Grid,
    videos: number,
    parameter: ParameterLookup = this.parameter,
  ): Tensor3D {
    const tables = this.#visionTables(grid);
    const { tf } = this.backend;
    return tf.tidy(() => visionTower(tf, this.config.vision, parameter, tables, patches, videos));
  }

  /**
   * Logits of the batch's predicted positions.
   *
   * @param vision [videos, tokens, hidden], or null for text alone
   * @returns [rows, predicted, vocabulary]
   */
  logits(
    batch: BatchTensors,
    vision: Tensor3D | null,
    parameter: ParameterLookup = this.parameter,
  ): Tensor3D {
    const { tf } = this.backend;
    const { config } = this;
    return tf.tidy(() => {
      const [rows, length] = batch.ids.shape;
      const predicted = batch.targets.shape[1];
      const from = length - predicted;
      let x = this.embed(batch.ids, vision, batch.visionIndex, parameter);
      const rotaries = decoderRotary(tf, config, batch.cos, batch.signedSin);
      for (let layer = 0; layer < config.layers; layer++) {
        const span = layer === config.layers - 1 ? { from: from - 1, to: length - 1 } : undefined;
        x = decoderLayer(tf, config, layerWeights(tf, parameter, layer), x, rows, rotaries, span).x;
      }
      return tf.reshape(this.head(x, parameter), [rows, predicted, config.vocabSize]);
    });
  }

  /** ids and visionIndex int32 of any shape to [count, hidden]. */
  embed(
    ids: Tensor,
    vision: Tensor3D | null,
    visionIndex: Tensor,
    parameter: ParameterLookup = this.parameter,
  ): Tensor2D {
    const { tf } = this.backend;
    const flat = (t: Tensor) => tf.reshape<Rank.R1>(t, [-1]);
    const seen = vision === null ? null : tf.reshape<Rank.R2>(vision, [-1, this.config.hiddenSize]);
    return embed(tf, parameter('model.embed_tokens.weight') as Tensor2D, flat(ids), seen, flat(visionIndex));
  }

  /** The last norm and the output head: [count, hidden] to [count, vocabulary]. */
  head(x: Tensor2D, parameter: ParameterLookup = this.parameter): Tensor2D {
    const { tf } = this.backend;
    const name = this.config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
    const normal = rmsNorm(tf, x, parameter('model.norm.weight') as Tensor1D, this.config.rmsNormEps);
    return linear(tf, normal, parameter(name) as Tensor2D);
  }

  /** A compiled step that lives as long as the policy, made when it is first asked for. */
  compiled(key: string, make: () => CompiledStep): CompiledStep {
    const known = this.#compiled.get(key) ?? make();
    this.#compiled.set(key, known);
    return known;
  }

  dispose(): void {
    for (const step of this.#compiled.values()) step.dispose();
    this.#compiled.clear();
    for (const variable of this.variables.values()) variable.dispose();
    for (const tables of this.#tables.values()) disposeVisionTables(tables);
    this.#tables.clear();
  }

  /** Constant tables of a grid, kept for the life of the policy. */
  #visionTables(grid: Grid): VisionTables {
    const { tf } = this.backend;
    const key = `${grid.t}x${grid.h}x${grid.w}`;
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const tables = visionTables(tf, this.config.vision, grid);
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
