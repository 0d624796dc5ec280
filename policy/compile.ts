import type { Tensor, Variable } from '@tensorflow/tfjs';
import { sha256 } from '../core/digest.js';
import { TerminalError } from '../core/errors.js';
import type { Backend } from './backend.js';
import { GraphRecorder } from './graph-recorder.js';
import { nativeBackend, type NativeBackend } from './native.js';
import { dtypeOf, trace } from './trace.js';

export type NamedTensors = Readonly<Record<string, Tensor>>;

/**
 * One step written in plain TensorFlow.js: reads state and inputs, returns outputs and new state. It must depend on
 * nothing else that changes between calls: other tensors, JavaScript branches and random numbers are frozen when the
 * step is traced, once per combination of input shapes.
 */
export type Step = (
  inputs: NamedTensors,
  read: (name: string) => Tensor,
) => { readonly outputs: NamedTensors; readonly updates: ReadonlyMap<string, Tensor> };

export interface InputShapes {
  readonly [name: string]: { readonly shape: readonly number[]; readonly dtype: 'float32' | 'int32' };
}

export interface StepRequest {
  /** What the step reads and updates, by name; float32. */
  readonly state: ReadonlyMap<string, Variable>;
  readonly step: Step;
  /** Combinations of inputs to compile at once; others are compiled when they first appear. */
  readonly shapes?: readonly InputShapes[];
}

/** A step that can be run many times. Compiled steps hold the state in the graph, apart from the variables. */
export interface CompiledStep {
  /** False when the backend has no graphs and the step runs eagerly. */
  readonly isCompiled: boolean;
  /** Runs the step, updates the state and returns the outputs; the caller disposes of them and of the inputs. */
  run(inputs: NamedTensors): Record<string, Tensor>;
  /** Copies the state (or the named part) into the variables, for eager use, saving or another step. */
  readState(names?: Iterable<string>): void;
  /** Takes the variables' values (or the named ones) as the state, after they were changed from outside. */
  writeState(names?: Iterable<string>): void;
  /** Frees the graph; the variables keep the values of the last readState. */
  dispose(): void;
}

/**
 * Makes a step fast: the first call with new input shapes runs it eagerly once, records every operation (gradients
 * included) and loads the record as one TensorFlow graph. Without the native library the step runs eagerly behind the
 * same interface. The results agree within float32 rounding.
 */
export function compileStep(backend: Backend, request: StepRequest): CompiledStep {
  const native = nativeBackend(backend);
  return native === null ? new EagerStep(backend, request) : new GraphStep(backend, native, request);
}

class EagerStep implements CompiledStep {
  readonly isCompiled = false;

  constructor(
    private readonly backend: Backend,
    private readonly request: StepRequest,
  ) {}

  run(inputs: NamedTensors): Record<string, Tensor> {
    const { state, step } = this.request;
    return this.backend.tf.tidy(() => {
      const { outputs, updates } = step(inputs, (name) => stateOf(state, name));
      for (const [name, value] of updates) stateOf(state, name).assign(value);
      // An output that is a state variable would change with it.
      return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value.clone()]));
    });
  }

  readState(): void {}
  writeState(): void {}
  dispose(): void {}
}

/** Where one combination of input shapes enters and leaves the graph. */
interface Signature {
  readonly inputs: readonly (readonly [name: string, placeholder: string])[];
  readonly outputs: readonly (readonly [name: string, tensor: string])[];
}

/** A state variable inside the graph. */
interface Resource {
  readonly handle: string;
  /** Fetching this reads it. */
  readonly value: string;
  /** Feeding this and fetching `assigned` writes it. */
  readonly fed: string;
  readonly assigned: string;
}

class GraphStep implements CompiledStep {
  readonly isCompiled = true;
  readonly #recorder: GraphRecorder;
  readonly #resources = new Map<string, Resource>();
  readonly #signatures = new Map<string, Signature>();
  #session: number | null = null;

  constructor(
    private readonly backend: Backend,
    private readonly native: NativeBackend,
    private readonly request: StepRequest,
  ) {
    this.#recorder = new GraphRecorder(native.binding);
    for (const [name, variable] of request.state) this.#resources.set(name, this.#resource(name, variable));
    for (const shapes of request.shapes ?? []) {
      backend.tf.tidy(() => {
        const examples = Object.entries(shapes).map(([name, { shape, dtype }]) => [
          name,
          backend.tf.zeros([...shape], dtype),
        ]);
        this.#record(Object.fromEntries(examples) as NamedTensors);
      });
    }
    this.#load();
  }

  run(inputs: NamedTensors): Record<string, Tensor> {
    let signature = this.#signatures.get(signatureKey(inputs));
    if (signature === undefined) {
      signature = this.#record(inputs);
      this.#load();
    }
    const feeds = signature.inputs.map(([name]) => inputs[name]!);
    const placeholders = signature.inputs.map(([, placeholder]) => placeholder);
    const fetched = this.#execute(
      feeds,
      placeholders,
      signature.outputs.map(([, tensor]) => tensor),
    );
    // The last output only makes the updates run.
    fetched.pop()!.dispose();
    return Object.fromEntries(fetched.map((tensor, i) => [signature.outputs[i]![0], tensor]));
  }

  readState(names: Iterable<string> = this.request.state.keys()): void {
    const wanted = [...names];
    const values = this.#execute(
      [],
      [],
      wanted.map((name) => this.#resourceOf(name).value),
    );
    wanted.forEach((name, i) => {
      stateOf(this.request.state, name).assign(values[i]!);
      values[i]!.dispose();
    });
  }

  writeState(names: Iterable<string> = this.request.state.keys()): void {
    const wanted = [...names];
    this.#write(new Map(wanted.map((name) => [name, stateOf(this.request.state, name)])));
  }

  dispose(): void {
    if (this.#session !== null) this.native.binding.deleteSavedModel(this.#session);
    this.#session = null;
  }

  #write(values: ReadonlyMap<string, Tensor>): void {
    if (values.size === 0) return;
    const targets = [...values.keys()].map((name) => this.#resourceOf(name));
    const done = this.#execute(
      [...values.values()],
      targets.map((t) => t.fed),
      targets.map((t) => t.assigned),
    );
    this.backend.tf.dispose(done);
  }

  #execute(feeds: Tensor[], placeholders: string[], fetches: string[]): Tensor[] {
    if (this.#session === null)
      throw new TerminalError('policy.step-disposed', 'the compiled step was disposed of');
    if (fetches.length === 0) return [];
    const { native } = this;
    const ids = native.getInputTensorIds(feeds);
    const outputs = native.binding.runSavedModel(
      this.#session,
      ids,
      placeholders.join(','),
      fetches.join(','),
    );
    return outputs.map((output) => native.createOutputTensor(output));
  }

  #resource(name: string, variable: Variable): Resource {
    const { TF_ATTR_STRING, TF_ATTR_TYPE, TF_ATTR_SHAPE, TF_FLOAT } = this.native.binding;
    const dtype = { name: 'dtype', type: TF_ATTR_TYPE, value: TF_FLOAT };
    const recorder = this.#recorder;
    if (variable.dtype !== 'float32') {
      throw new TerminalError('policy.bad-state', `state ${name} is ${variable.dtype}, not float32`);
    }
    const attributes = [
      { name: 'container', type: TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: TF_ATTR_STRING, value: name },
      dtype,
      { name: 'shape', type: TF_ATTR_SHAPE, value: variable.shape },
    ];
    const handle = `${recorder.node('VarHandleOp', attributes, [])}:0`;
    const value = `${recorder.node('ReadVariableOp', [dtype], [handle])}:0`;
    const fed = recorder.placeholder(TF_FLOAT, variable.shape);
    const write = recorder.node('AssignVariableOp', [dtype], [handle, fed]);
    return { handle, value, fed, assigned: this.#signal([write]) };
  }

  /** A tensor that exists once the given nodes have run. */
  #signal(after: readonly string[]): string {
    const { TF_FLOAT, TF_ATTR_TYPE } = this.native.binding;
    const zero = this.#recorder.constant(TF_FLOAT, [], Float32Array.of(0));
    const type = { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT };
    return `${this.#recorder.node('Identity', [type], [zero], after)}:0`;
  }

  /** Traces the step for the shapes of these inputs. */
  #record(inputs: NamedTensors): Signature {
    const { native, backend } = this;
    const { binding } = native;
    const recorder = this.#recorder;
    recorder.begin(`s${sha256(signatureKey(inputs)).slice(0, 16)}`);
    const type = (tensor: Tensor) => dtypeOf(binding, tensor.dtype);
    const placeholders = Object.entries(inputs).map(
      ([name, tensor]) => [name, recorder.placeholder(type(tensor), tensor.shape)] as const,
    );
    const float = { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
    let signature!: Signature;
    backend.tf.tidy(() => {
      const names = new Map<Tensor, string>(placeholders.map(([name, at]) => [inputs[name]!, at]));
      const stand = new Map<string, Tensor>();
      const reads: string[] = [];
      for (const [name, variable] of this.request.state) {
        // Copies, since variables that start from one tensor share its memory and could not be told apart.
        const copy = backend.tf.add(variable, 0);
        const node = recorder.node('ReadVariableOp', [float], [this.#resourceOf(name).handle]);
        stand.set(name, copy);
        names.set(copy, `${node}:0`);
        reads.push(node);
      }
      const { result, nameOf } = trace(native, recorder, names, () =>
        this.request.step(inputs, (name) => stateOf(stand, name)),
      );
      // No variable changes before all are read, and outputs of this call see the old values.
      const allRead = recorder.node('NoOp', [], [], reads);
      const writes = [...result.updates].map(([name, tensor]) =>
        recorder.node(
          'AssignVariableOp',
          [float],
          [this.#resourceOf(name).handle, nameOf(tensor)],
          [allRead],
        ),
      );
      // Through an identity each, since an input cannot be fetched as it is.
      const outputs = Object.entries(result.outputs).map(([name, tensor]) => {
        const attribute = { name: 'T', type: binding.TF_ATTR_TYPE, value: type(tensor) };
        return [name, `${recorder.node('Identity', [attribute], [nameOf(tensor)])}:0`] as const;
      });
      signature = { inputs: placeholders, outputs: [...outputs, ['', this.#signal(writes)] as const] };
    });
    this.#signatures.set(signatureKey(inputs), signature);
    return signature;
  }

  /** Loads the grown graph and moves the state over. */
  #load(): void {
    const { binding } = this.native;
    const old = this.#session;
    const names = [...this.request.state.keys()];
    const values: [string, Tensor][] =
      old === null
        ? [...this.request.state]
        : this.#execute(
            [],
            [],
            names.map((name) => this.#resourceOf(name).value),
          ).map((t, i) => [names[i]!, t]);
    this.#session = this.#recorder.load();
    this.#write(new Map(values));
    if (old !== null) {
      binding.deleteSavedModel(old);
      this.backend.tf.dispose(values.map(([, tensor]) => tensor));
    }
  }

  #resourceOf(name: string): Resource {
    return stateOf(this.#resources, name);
  }
}

function stateOf<T>(state: ReadonlyMap<string, T>, name: string): T {
  const found = state.get(name);
  if (found === undefined) throw new TerminalError('policy.unknown-state', `the step has no state ${name}`);
  return found;
}

const signatureKey = (inputs: NamedTensors): string =>
  Object.keys(inputs)
    .sort()
    .map((name) => `${name}:${inputs[name]!.dtype}[${inputs[name]!.shape.join(',')}]`)
    .join(' ');
