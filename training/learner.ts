import type { Scalar, Tensor, Tensor1D, Variable } from '@tensorflow/tfjs';
import type { OptimizerConfig } from '../config/model.js';
import { deriveKey } from '../core/random.js';
import type { Backend } from '../policy/backend.js';
import {
  compileStep,
  type CompiledStep,
  type InputShapes,
  type NamedTensors,
  type OwnState,
  type Step,
} from '../policy/compile.js';
import type { Segment } from '../policy/media.js';
import type { ForwardPass } from '../policy/policy.js';
import type { Update } from '../policy/update.js';
import { adamwRate, adamwUpdates, type AdamwRate } from './adamw.js';
import { storedValues, type StoredTensor } from './checkpoint.js';
import { fullTuning, type Tuning } from './tuning.js';

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

/** A forward pass that reads its parameters where the learner holds them. */
export type LearnerPass = ForwardPass & Required<Pick<ForwardPass, 'parameter'>>;

/** What is computed with the learner's weights. */
export interface Objective<Inputs extends NamedTensors> {
  loss(pass: LearnerPass, inputs: Inputs, shape: StepShape): LossAndMetrics;
  /** Something without a gradient, for {@link Learner.score}. */
  score?(pass: LearnerPass, inputs: NamedTensors, shape: StepShape): Tensor;
}

/** `step` makes a whole update from one micro-batch; `start` and `accumulate` sum gradients that `apply` uses up. */
type Mode = 'step' | 'start' | 'accumulate' | 'apply' | 'evaluate' | 'score';

const noShape: StepShape = { segments: [] };
/** The name of an input that says what a compiled step is for; inputs are told apart by name and shape only. */
const purpose = (mode: Mode, shape: StepShape): string => JSON.stringify([mode, shape]);

/**
 * Trains some variables on a loss: an AdamW update from one micro-batch, or from the summed gradients of several. All of
 * it runs as one compiled graph per shape, which holds weights, moments and sums; {@link sync} copies the weights back
 * into the variables.
 */
export class Learner<Inputs extends NamedTensors> {
  readonly #state = new Map<string, Variable | OwnState>();
  readonly #trained: readonly string[];
  readonly #marker: Tensor;
  readonly #tuning: Tuning;
  readonly #evaluates: boolean;
  #compiled: CompiledStep | null = null;
  /** Made since the moments were zero. */
  #updates = 0;
  /** Micro-batches whose gradients are summed. */
  #parts = 0;

  constructor(
    private readonly backend: Backend,
    weights: {
      readonly trained: ReadonlyMap<string, Variable>;
      readonly frozen?: ReadonlyMap<string, Variable>;
    },
    private readonly optimizer: OptimizerConfig,
    private readonly objective: Objective<Inputs>,
    options: {
      /** What {@link state} gave when the checkpoint was written; null starts with zero moments. */
      readonly stored: Readonly<Record<string, StoredTensor>> | null;
      readonly tuning?: Tuning;
      /** Whether {@link evaluate} will be called with the shapes that are trained on. */
      readonly evaluates?: boolean;
    },
  ) {
    const { stored } = options;
    this.#evaluates = options.evaluates ?? false;
    this.#tuning = options.tuning ?? fullTuning;
    this.#trained = [...weights.trained.keys()];
    this.#updates = stored === null ? 0 : (storedValues(stored, 'updates', [1])[0] ?? 0);
    for (const [name, variable] of weights.frozen ?? []) this.#state.set(`weight.${name}`, variable);
    for (const [name, variable] of weights.trained) {
      const { shape } = variable;
      this.#state.set(`weight.${name}`, variable);
      for (const kind of ['first', 'second']) {
        const start = stored === null ? 'zeros' : storedValues(stored, `${kind}.${name}`, shape);
        this.#state.set(`${kind}.${name}`, { shape, start });
      }
      this.#state.set(`sum.${name}`, { shape, start: 'unset' });
    }
    this.#marker = backend.tf.scalar(0);
  }

  /** One update from one micro-batch. Like all that follow it does not dispose of the inputs. */
  async step(
    inputs: Inputs,
    shape: StepShape,
    learningRate: number,
  ): Promise<{ numbers: number[]; norm: number }> {
    const rate = this.#nextRate(learningRate);
    const [norm, ...numbers] = await this.#run('step', { ...inputs, ...rate }, shape);
    this.backend.tf.dispose(rate);
    return { numbers, norm: norm! };
  }

  /** Adds the gradients of one of several micro-batches; gives back the loss and the metrics. */
  accumulate(inputs: Inputs, shape: StepShape): Promise<number[]> {
    return this.#run(this.#parts++ === 0 ? 'start' : 'accumulate', inputs, shape);
  }

  /** One update with the summed gradients, which start anew; gives back their norm before clipping. */
  async apply(learningRate: number): Promise<number> {
    if (this.#parts === 0) throw new TypeError('gradients come before an update');
    const rate = this.#nextRate(learningRate);
    const [norm] = await this.#run('apply', rate, noShape);
    this.backend.tf.dispose(rate);
    return norm!;
  }

  /** Loss and metrics without gradients. */
  evaluate(inputs: Inputs, shape: StepShape): Promise<number[]> {
    return this.#run('evaluate', inputs, shape);
  }

  /** The objective's score; the caller disposes of it. */
  score(inputs: NamedTensors, shape: StepShape): Tensor {
    const given = { ...inputs, [purpose('score', shape)]: this.#marker };
    this.#compiled ??= this.#compile('score', given, shape);
    return this.#compiled.run(given).score!;
  }

  /** Copies the trained weights from the graph into the variables, for generation and saving. */
  sync(): void {
    this.#compiled?.readState(this.#trained.map((name) => `weight.${name}`));
  }

  /** The moments and the number of updates: all that an exact resume needs besides the weights. */
  async state(): Promise<Record<string, StoredTensor>> {
    const stored: Record<string, StoredTensor> = {
      updates: { shape: [1], values: Float32Array.of(this.#updates) },
    };
    const names = this.#trained.flatMap((of) => [`first.${of}`, `second.${of}`]);
    const current = this.#compiled?.stateOf(names);
    for (const [at, name] of names.entries()) {
      const { shape, start } = this.#state.get(name) as OwnState;
      if (current !== undefined) {
        stored[name] = { shape, values: (await current[at]!.data()) as Float32Array };
        current[at]!.dispose();
      } else {
        const size = shape.reduce((a, b) => a * b, 1);
        stored[name] = { shape, values: typeof start === 'string' ? new Float32Array(size) : start };
      }
    }
    return stored;
  }

  /** Frees moments and graphs; the variables keep the values of the last {@link sync}. */
  dispose(): void {
    this.#compiled?.dispose();
    this.#compiled = null;
    this.#marker.dispose();
  }

  #nextRate(learningRate: number): AdamwRate {
    const { tf } = this.backend;
    this.#updates++;
    this.#parts = 0;
    const rate = adamwRate(this.#updates, learningRate, this.optimizer);
    return {
      learningRate: tf.scalar(rate.learningRate),
      power1: tf.scalar(rate.power1),
      power2: tf.scalar(rate.power2),
    };
  }

  async #run(mode: Mode, inputs: NamedTensors, shape: StepShape): Promise<number[]> {
    const { tf } = this.backend;
    const key = deriveKey(...this.#tuning.dropoutKey, 'dropout', this.#updates, this.#parts);
    const seed: Record<string, Tensor> =
      mode === 'apply' ? {} : { dropoutSeed: tf.tensor1d(Int32Array.from(key), 'int32') };
    const given = { ...inputs, ...seed, [purpose(mode, shape)]: this.#marker };
    this.#compiled ??= this.#compile(mode, given, shape);
    const { numbers } = this.#compiled.run(given);
    const values = [...(await numbers!.data())];
    tf.dispose([numbers!, seed]);
    return values;
  }

  /** Compiles what is known to follow in one go, since every later addition loads the whole graph again. */
  #compile(mode: Mode, given: NamedTensors, shape: StepShape): CompiledStep {
    const scalar = { shape: [], dtype: 'float32' } as const;
    const rate: InputShapes = { learningRate: scalar, power1: scalar, power2: scalar };
    const marked = (of: Mode, shapes: InputShapes, at = shape): InputShapes => ({
      ...shapes,
      [purpose(of, at)]: scalar,
    });
    const own = Object.fromEntries(
      Object.entries(given)
        .filter(([name]) => !(name in rate) && !name.startsWith('['))
        .map(([name, tensor]) => {
          const dtype = tensor.dtype === 'int32' ? ('int32' as const) : ('float32' as const);
          return [name, { shape: tensor.shape, dtype }];
        }),
    );
    const shapes = [marked(mode, mode === 'step' ? { ...own, ...rate } : own)];
    if (mode === 'start') shapes.push(marked('accumulate', own), marked('apply', rate, noShape));
    if (this.#evaluates && mode !== 'evaluate') shapes.push(marked('evaluate', own));
    return compileStep(this.backend, {
      state: this.#state,
      step: (inputs, read) => this.#record(inputs, read),
      shapes,
    });
  }

  #record(given: NamedTensors, read: (name: string) => Tensor): ReturnType<Step> {
    const { tf } = this.backend;
    const marker = Object.keys(given).find((name) => name.startsWith('['))!;
    const [mode, shape] = JSON.parse(marker) as [Mode, StepShape];
    const pass: LearnerPass = { parameter: (name) => read(`weight.${name}`) };
    if (mode === 'score') {
      return { outputs: { score: this.objective.score!(pass, given, shape) }, updates: new Map() };
    }
    if (mode === 'apply') {
      const sums = new Map(this.#trained.map((name) => [name, read(`sum.${name}`)]));
      const { updates, norm } = this.#optimize(sums, given);
      return { outputs: { numbers: norm.reshape([1]) }, updates };
    }
    if (mode === 'evaluate') {
      const { loss, metrics } = this.objective.loss(pass, given as Inputs, shape);
      return { outputs: { numbers: tf.stack([loss, ...metrics]) }, updates: new Map() };
    }
    const { numbers, gradients } = this.#differentiate(given, pass, shape);
    if (mode === 'step') {
      const { updates, norm } = this.#optimize(gradients, given);
      return { outputs: { numbers: tf.concat([norm.reshape([1]), numbers]) }, updates };
    }
    const updates = new Map<string, Update>();
    for (const [name, value] of gradients)
      updates.set(`sum.${name}`, mode === 'start' ? value : { kind: 'add', value });
    return { outputs: { numbers }, updates };
  }

  /** Loss and metrics, and the gradients of what is trained. */
  #differentiate(
    inputs: NamedTensors,
    frozen: LearnerPass,
    shape: StepShape,
  ): { numbers: Tensor1D; gradients: Map<string, Tensor> } {
    const { tf } = this.backend;
    let metrics: readonly Scalar[] = [];
    const isTrained = new Set(this.#trained);
    const loss = (...tensors: Tensor[]): Scalar => {
      const byName = new Map(this.#trained.map((name, i) => [name, tensors[i]!]));
      const found = this.objective.loss(
        {
          parameter: (name) => byName.get(name) ?? frozen.parameter(name),
          dropoutSeed: inputs.dropoutSeed!,
          ...(this.#tuning.recompute ? { recompute: (name: string) => isTrained.has(name) } : {}),
        },
        inputs as Inputs,
        shape,
      );
      metrics = found.metrics.map((metric) => tf.keep(metric));
      return found.loss;
    };
    const { value, grads } = tf.valueAndGrads(loss)(this.#trained.map(frozen.parameter));
    const numbers = tf.stack([value, ...metrics]) as Tensor1D;
    tf.dispose([...metrics]);
    return { numbers, gradients: new Map(this.#trained.map((name, i) => [name, grads[i]!])) };
  }

  #optimize(gradients: ReadonlyMap<string, Tensor>, rate: NamedTensors) {
    const { updates, norm } = adamwUpdates(
      this.backend.tf,
      gradients,
      (name) => ({ first: `first.${name}`, second: `second.${name}` }),
      rate as unknown as AdamwRate,
      this.optimizer,
    );
    const named = new Map<string, Update>([...updates].map(([name, update]) => [`weight.${name}`, update]));
    return { updates: named, norm };
  }
}
