import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import type { OptimizerConfig } from '../config/model.js';
import { TerminalError } from '../core/errors.js';
import type { Backend } from '../policy/backend.js';
import { compileStep, type CompiledStep } from '../policy/compile.js';
import type { Segment } from '../policy/media.js';
import { adamw, adamwRate, type NamedTensors } from './adamw.js';
import type { StoredTensor } from './checkpoint.js';

/** Looks a weight up by name; gradients flow through what it returns. */
export type Weights = (name: string) => Tensor;

/** What a loss function gives back: the loss, and numbers to log that no gradient flows from. */
export interface LossAndMetrics {
  readonly loss: Scalar;
  readonly metrics: readonly Scalar[];
}

/** What a loss needs to know besides its tensors: constant in a compiled step. */
export interface StepShape {
  /** How the patches of the videos lie. */
  readonly segments: readonly Segment[];
}

type Mode = 'accumulate' | 'evaluate' | 'apply';

/** The name of an input that says what a compiled step is for; inputs are told apart by name and shape only. */
const purpose = (mode: Mode, shape: StepShape): string => JSON.stringify([mode, shape]);

/**
 * Trains some variables on a loss: gradients of micro-batches are summed, then one AdamW update is made. All of it runs
 * as one compiled graph per shape, which holds weights, moments and sums; {@link sync} copies the weights back into the
 * variables.
 */
export class Learner<Inputs extends NamedTensors> {
  readonly #state = new Map<string, Variable>();
  readonly #names: readonly string[];
  readonly #marker: Tensor;
  #compiled: CompiledStep | null = null;
  readonly #evaluates: boolean;
  #updates = 0;

  constructor(
    private readonly backend: Backend,
    variables: ReadonlyMap<string, Variable>,
    private readonly optimizer: OptimizerConfig,
    private readonly lossOf: (weights: Weights, inputs: Inputs, shape: StepShape) => LossAndMetrics,
    options: {
      /** What {@link state} gave when the checkpoint was written; null starts with zero moments. */
      readonly stored: Readonly<Record<string, StoredTensor>> | null;
      /** Whether {@link evaluate} will be called with the shapes that are trained on. */
      readonly evaluates?: boolean;
    },
  ) {
    const { tf } = backend;
    const { stored } = options;
    this.#evaluates = options.evaluates ?? false;
    this.#names = [...variables.keys()];
    this.#updates = stored === null ? 0 : (find(stored, 'updates', [1])[0] ?? 0);
    for (const [name, variable] of variables) {
      this.#state.set(`weight.${name}`, variable);
      for (const kind of ['first', 'second', 'sum'] as const) {
        const values =
          stored === null || kind === 'sum' ? null : find(stored, `${kind}.${name}`, variable.shape);
        const start = tf.tidy(() =>
          tf.variable(values === null ? tf.zeros(variable.shape) : tf.tensor(values, variable.shape), false),
        );
        this.#state.set(`${kind}.${name}`, start);
      }
    }
    this.#marker = tf.scalar(0);
  }

  /** Updates made since the moments were zero. */
  get updates(): number {
    return this.#updates;
  }

  /** Adds the gradients of one micro-batch; gives back the loss and the metrics. Does not dispose of the inputs. */
  accumulate(inputs: Inputs, shape: StepShape): Promise<number[]> {
    this.#compiled ??= this.#compile(inputs, shape);
    return this.#run({ ...inputs, [purpose('accumulate', shape)]: this.#marker });
  }

  /** Loss and metrics without gradients. */
  evaluate(inputs: Inputs, shape: StepShape): Promise<number[]> {
    this.#compiled ??= this.#compile(inputs, shape);
    return this.#run({ ...inputs, [purpose('evaluate', shape)]: this.#marker });
  }

  /** One update with the summed gradients, which start from zero again; gives back their norm before clipping. */
  async apply(learningRate: number): Promise<number> {
    const { tf } = this.backend;
    this.#updates++;
    const rate = adamwRate(this.#updates, learningRate, this.optimizer);
    const inputs = {
      learningRate: tf.scalar(rate.learningRate),
      correction1: tf.scalar(rate.correction1),
      correction2: tf.scalar(rate.correction2),
    };
    const [norm] = await this.#run({ ...inputs, [purpose('apply', { segments: [] })]: this.#marker });
    tf.dispose(inputs);
    return norm!;
  }

  /** Copies the weights from the graph into the variables, for generation and saving. */
  sync(): void {
    this.#compiled?.readState(this.#names.map((name) => `weight.${name}`));
  }

  /** The moments and the number of updates: all that an exact resume needs besides the weights. */
  async state(): Promise<Record<string, StoredTensor>> {
    const stored: Record<string, StoredTensor> = {
      updates: { shape: [1], values: Float32Array.of(this.#updates) },
    };
    const moments = this.#names.flatMap((name) => [`first.${name}`, `second.${name}`]);
    this.#compiled?.readState(moments);
    for (const name of moments) {
      const tensor = this.#state.get(name)!;
      stored[name] = { shape: tensor.shape, values: (await tensor.data()) as Float32Array };
    }
    return stored;
  }

  /** Frees moments and graphs; the variables keep the values of the last {@link sync}. */
  dispose(): void {
    this.#compiled?.dispose();
    this.#compiled = null;
    this.#marker.dispose();
    for (const [name, variable] of this.#state) if (!name.startsWith('weight.')) variable.dispose();
    this.#state.clear();
  }

  /** Compiles what a step needs in one go, since every later addition loads the whole graph again. */
  #compile(inputs: Inputs, shape: StepShape): CompiledStep {
    const scalar = { shape: [], dtype: 'float32' } as const;
    const own = Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => {
        const dtype = tensor.dtype === 'int32' ? ('int32' as const) : ('float32' as const);
        return [name, { shape: tensor.shape, dtype }];
      }),
    );
    return compileStep(this.backend, {
      state: this.#state,
      step: (given, read) => {
        const marker = Object.keys(given).find((name) => name.startsWith('['))!;
        const [mode, of] = JSON.parse(marker) as [Mode, StepShape];
        return mode === 'apply' ? this.#update(given, read) : this.#differentiate(mode, given, of, read);
      },
      shapes: [
        {
          learningRate: scalar,
          correction1: scalar,
          correction2: scalar,
          [purpose('apply', { segments: [] })]: scalar,
        },
        { ...own, [purpose('accumulate', shape)]: scalar },
        ...(this.#evaluates ? [{ ...own, [purpose('evaluate', shape)]: scalar }] : []),
      ],
    });
  }

  async #run(inputs: NamedTensors): Promise<number[]> {
    if (this.#compiled === null) throw new TypeError('gradients come before an update');
    const { numbers } = this.#compiled.run(inputs);
    const values = [...(await numbers!.data())];
    numbers!.dispose();
    return values;
  }

  #differentiate(mode: Mode, inputs: NamedTensors, shape: StepShape, read: Weights) {
    const { tf } = this.backend;
    let metrics: readonly Scalar[] = [];
    const loss = (...tensors: Tensor[]): Scalar => {
      const byName = new Map(this.#names.map((name, i) => [name, tensors[i]!]));
      const found = this.lossOf((name) => byName.get(name)!, inputs as Inputs, shape);
      metrics = found.metrics.map((metric) => tf.keep(metric));
      return found.loss;
    };
    const weights = this.#names.map((name) => read(`weight.${name}`));
    const updates = new Map<string, Tensor>();
    let value: Tensor;
    if (mode === 'evaluate') value = loss(...weights);
    else {
      const found = tf.valueAndGrads(loss)(weights);
      value = found.value;
      this.#names.forEach((name, i) => updates.set(`sum.${name}`, read(`sum.${name}`).add(found.grads[i]!)));
    }
    const numbers = tf.stack([value, ...metrics]);
    tf.dispose([...metrics]);
    return { outputs: { numbers }, updates };
  }

  #update(inputs: NamedTensors, read: Weights) {
    const { tf } = this.backend;
    const all = (kind: string): Record<string, Tensor> =>
      Object.fromEntries(this.#names.map((name) => [name, read(`${kind}.${name}`)]));
    const sums = all('sum');
    const rate = inputs as { learningRate: Scalar; correction1: Scalar; correction2: Scalar };
    const next = adamw(tf, all('weight'), sums, all('first'), all('second'), rate, this.optimizer);
    const updates = new Map<string, Tensor>();
    for (const name of this.#names) {
      updates.set(`weight.${name}`, next.weights[name]!);
      updates.set(`first.${name}`, next.first[name]!);
      updates.set(`second.${name}`, next.second[name]!);
      updates.set(`sum.${name}`, tf.zerosLike(sums[name]!));
    }
    return { outputs: { numbers: next.norm.reshape([1]) }, updates };
  }
}

/** A stored tensor's values; TerminalError `training.bad-state` when it is missing or has another shape. */
function find(
  stored: Readonly<Record<string, StoredTensor>>,
  name: string,
  shape: readonly number[],
): Float32Array {
  const found = stored[name];
  if (found === undefined || found.shape.join() !== shape.join()) {
    const has = found === undefined ? 'is missing' : `has the shape [${found.shape.join(', ')}]`;
    throw new TerminalError('training.bad-state', `optimizer state: ${name} ${has}`);
  }
  return found.values;
}
