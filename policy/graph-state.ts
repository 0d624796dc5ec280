import type { Tensor } from '@tensorflow/tfjs';
import { TerminalError } from '../core/errors.js';
import type { StepRequest } from './compile.js';
import type { GraphRecorder } from './graph-recorder.js';
import type { NativeBinding } from './native.js';
import { isTensor, type AdamWUpdate, type Update } from './update.js';

/** One part of the state inside the graph. */
export interface Resource {
  readonly handle: string;
  readonly shape: readonly number[];
  /** Fetching this reads it. */
  readonly value: string;
  /** Feeding this and fetching `assigned` writes it. */
  readonly fed: string;
  readonly assigned: string;
}

/** The state of a compiled step as resource variables of its graph. */
export class GraphState {
  readonly #resources = new Map<string, Resource>();

  constructor(
    private readonly binding: NativeBinding,
    private readonly recorder: GraphRecorder,
    state: StepRequest['state'],
  ) {
    for (const [name, given] of state) {
      if ('dtype' in given && given.dtype !== 'float32') {
        throw new TerminalError('policy.bad-state', `state ${name} is ${given.dtype}, not float32`);
      }
      this.#resources.set(name, this.#resource(name, given.shape));
    }
  }

  /** TerminalError `policy.unknown-state` for a name that the step was not given. */
  resource(name: string): Resource {
    const found = this.#resources.get(name);
    if (found === undefined) throw new TerminalError('policy.unknown-state', `the step has no state ${name}`);
    return found;
  }

  shape(name: string): readonly number[] {
    return this.resource(name).shape;
  }

  /** Records a read and returns its node. */
  read(name: string, after: readonly string[] = []): string {
    return this.recorder.node('ReadVariableOp', [this.#float('dtype')], [this.resource(name).handle], after);
  }

  /** Records what a step does to the state, after the node `allRead`; returns the last nodes. */
  update(
    updates: ReadonlyMap<string, Update>,
    nameOf: (tensor: Tensor) => string,
    allRead: string,
  ): string[] {
    const dtype = this.#float('dtype');
    const writes: string[] = [];
    // One after the other, so that what they need in between never exists for all weights at once.
    let last = allRead;
    for (const [name, update] of updates) {
      const { handle } = this.resource(name);
      if (isTensor(update)) {
        writes.push(this.recorder.node('AssignVariableOp', [dtype], [handle, nameOf(update)], [allRead]));
      } else if (update.kind === 'add') {
        const inputs = [handle, nameOf(update.value)];
        writes.push(this.recorder.node('AssignAddVariableOp', [dtype], inputs, [allRead]));
      } else {
        last = this.#adamw(name, update, nameOf, last);
      }
    }
    return [...writes, last];
  }

  /** A tensor that exists once the given nodes have run. */
  signal(after: readonly string[]): string {
    const zero = this.recorder.constant(this.binding.TF_FLOAT, [], Float32Array.of(0));
    return `${this.recorder.node('Identity', [this.#float('T')], [zero], after)}:0`;
  }

  /**
   * TensorFlow's kernel adds epsilon to the square root of the biased second moment, hence the factor on it; the
   * decoupled decay comes first, as in the paper.
   */
  #adamw(name: string, update: AdamWUpdate, nameOf: (tensor: Tensor) => string, after: string): string {
    const { recorder } = this;
    const { handle } = this.resource(name);
    const T = this.#float('T');
    const dtype = this.#float('dtype');
    const constant = (value: number) => recorder.constant(this.binding.TF_FLOAT, [], Float32Array.of(value));
    const node = (operation: string, inputs: string[], control: string[] = []) =>
      `${recorder.node(operation, [T], inputs, control)}:0`;
    const [rate, power1, power2] = [update.learningRate, update.power1, update.power2].map(nameOf);
    let before = after;
    if (update.decay !== 0) {
      const share = node('Mul', [rate!, constant(update.decay)]);
      const lost = node('Mul', [`${this.read(name, [after])}:0`, share]);
      before = recorder.node('AssignSubVariableOp', [dtype], [handle, lost]);
    }
    const root = node('Sqrt', [node('Sub', [constant(1), power2!])]);
    const epsilon = node('Mul', [root, constant(update.epsilon)]);
    const gradient = node('Mul', [nameOf(update.gradient), nameOf(update.scale)], [before]);
    const moments = [update.first, update.second].map((moment) => this.resource(moment).handle);
    const betas = [constant(update.beta1), constant(update.beta2)];
    const inputs = [handle, ...moments, power1!, power2!, rate!, ...betas, epsilon, gradient];
    return recorder.node('ResourceApplyAdam', [T], inputs);
  }

  #resource(name: string, shape: readonly number[]): Resource {
    const { TF_ATTR_STRING, TF_ATTR_SHAPE, TF_FLOAT } = this.binding;
    const { recorder } = this;
    const dtype = this.#float('dtype');
    const attributes = [
      { name: 'container', type: TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: TF_ATTR_STRING, value: name },
      dtype,
      { name: 'shape', type: TF_ATTR_SHAPE, value: shape },
    ];
    const handle = `${recorder.node('VarHandleOp', attributes, [])}:0`;
    const value = `${recorder.node('ReadVariableOp', [dtype], [handle])}:0`;
    const fed = recorder.placeholder(TF_FLOAT, shape);
    const write = recorder.node('AssignVariableOp', [dtype], [handle, fed]);
    return { handle, shape, value, fed, assigned: this.signal([write]) };
  }

  #float(name: string) {
    return { name, type: this.binding.TF_ATTR_TYPE, value: this.binding.TF_FLOAT };
  }
}
