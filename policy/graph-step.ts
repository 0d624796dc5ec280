import type { Tensor, Variable } from '@tensorflow/tfjs';
import { sha256 } from '../core/digest.js';
import { TerminalError } from '../core/errors.js';
import type { Backend } from './backend.js';
import type { CompiledStep, InputShapes, NamedTensors, StepRequest } from './compile.js';
import { GraphRecorder } from './graph-recorder.js';
import { GraphState } from './graph-state.js';
import type { NativeBackend } from './native.js';
import { dtypeOf, trace } from './trace.js';
import { isTensor } from './update.js';

/**
 * Bytes of state that are moved with one call. Calls are costly, since the library plans each new set of tensors anew;
 * copies of everything at once would double the memory of a large model.
 */
const PORTION = 2 ** 29;

/** Where one combination of input shapes enters and leaves the graph. */
interface Signature {
  readonly inputs: readonly (readonly [name: string, placeholder: string])[];
  readonly outputs: readonly (readonly [name: string, tensor: string])[];
  /** State that the step replaces, and that is set once it has run. */
  readonly sets: readonly string[];
}

/** A step that runs as a TensorFlow graph, which holds the state. */
export class GraphStep implements CompiledStep {
  readonly isCompiled = true;
  readonly #recorder: GraphRecorder;
  readonly #state: GraphState;
  readonly #signatures = new Map<string, Signature>();
  /** State that has a value. */
  readonly #isSet = new Set<string>();
  #session: number | null = null;

  constructor(
    private readonly backend: Backend,
    private readonly native: NativeBackend,
    private readonly request: StepRequest,
  ) {
    this.#recorder = new GraphRecorder(native.binding);
    this.#state = new GraphState(native.binding, this.#recorder, request.state);
    for (const shapes of request.shapes ?? []) this.#record(shapes);
    this.#load();
  }

  run(inputs: NamedTensors): Record<string, Tensor> {
    const shapes = shapesOf(inputs);
    let signature = this.#signatures.get(signatureKey(shapes));
    if (signature === undefined) {
      signature = this.#record(shapes);
      this.#load();
    }
    const feeds = signature.inputs.map(([name]) => inputs[name]!);
    const placeholders = signature.inputs.map(([, placeholder]) => placeholder);
    const fetches = signature.outputs.map(([, tensor]) => tensor);
    const fetched = this.#execute(feeds, placeholders, fetches);
    for (const name of signature.sets) this.#isSet.add(name);
    // The last output only makes the updates run.
    fetched.pop()!.dispose();
    return Object.fromEntries(fetched.map((tensor, i) => [signature.outputs[i]![0], tensor]));
  }

  readState(names: Iterable<string> = this.#variables().keys()): void {
    const variables = this.#variables();
    for (const part of this.#portions(names)) {
      this.stateOf(part).forEach((value, at) => {
        variables.get(part[at]!)!.assign(value);
        value.dispose();
      });
    }
  }

  writeState(names: Iterable<string> = this.#variables().keys()): void {
    const variables = this.#variables();
    for (const part of this.#portions(names)) {
      this.#write(
        part,
        part.map((name) => variables.get(name)!),
      );
    }
  }

  stateOf(names: readonly string[]): Tensor[] {
    return this.#execute(
      [],
      [],
      names.map((name) => this.#state.resource(name).value),
    );
  }

  dispose(): void {
    if (this.#session !== null) this.native.binding.deleteSavedModel(this.#session);
    this.#session = null;
  }

  #variables(): Map<string, Variable> {
    const variables = new Map<string, Variable>();
    for (const [name, given] of this.request.state) if (!('start' in given)) variables.set(name, given);
    return variables;
  }

  /** Names in order, cut where their state would be too much to move at once. */
  #portions(names: Iterable<string>): string[][] {
    const parts: string[][] = [];
    let room = 0;
    for (const name of names) {
      const bytes = 4 * this.#state.shape(name).reduce((a, b) => a * b, 1);
      if (bytes > room) {
        parts.push([]);
        room = PORTION;
      }
      parts.at(-1)!.push(name);
      room -= bytes;
    }
    return parts;
  }

  #write(names: readonly string[], values: Tensor[]): void {
    const resources = names.map((name) => this.#state.resource(name));
    const done = this.#execute(
      values,
      resources.map(({ fed }) => fed),
      resources.map(({ assigned }) => assigned),
    );
    this.backend.tf.dispose(done);
    for (const name of names) this.#isSet.add(name);
  }

  #execute(feeds: Tensor[], placeholders: string[], fetches: string[]): Tensor[] {
    if (this.#session === null)
      throw new TerminalError('policy.step-disposed', 'the compiled step was disposed of');
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

  /** Traces the step for inputs of these shapes. */
  #record(shapes: InputShapes): Signature {
    const { native, backend } = this;
    const { binding } = native;
    const recorder = this.#recorder;
    const key = signatureKey(shapes);
    recorder.begin(`s${sha256(key).slice(0, 16)}`);
    const inputs = Object.entries(shapes).map(([name, { shape, dtype }]) => {
      const type = dtypeOf(binding, dtype);
      return [name, { shape, dtype: type, name: recorder.placeholder(type, shape) }] as const;
    });
    const signature = trace(native, recorder, ({ standIn, nameOf }) => {
      // The step's tensors stand for nothing once it is recorded; the scope ends inside of the trace.
      let found!: Signature;
      backend.tf.tidy(() => {
        const given = Object.fromEntries(inputs.map(([name, of]) => [name, standIn(of)]));
        const reads = new Map<string, { readonly node: string; readonly tensor: Tensor }>();
        const read = (name: string): Tensor => {
          let known = reads.get(name);
          if (known === undefined) {
            const node = this.#state.read(name);
            const of = { shape: this.#state.shape(name), dtype: binding.TF_FLOAT, name: `${node}:0` };
            // Kept, since the scope in which it is first read may end before the step does.
            known = { node, tensor: backend.tf.keep(standIn(of)) };
            reads.set(name, known);
          }
          return known.tensor;
        };
        const { outputs, updates } = this.request.step(given, read);
        // No state changes before all of it is read, and the outputs are those of the old state.
        const allRead = recorder.node(
          'NoOp',
          [],
          [],
          [...reads.values()].map(({ node }) => node),
        );
        const writes = this.#state.update(updates, nameOf, allRead);
        // Through an identity each, since an input cannot be fetched as it is.
        const fetched = Object.entries(outputs).map(([name, tensor]) => {
          const type = dtypeOf(binding, tensor.dtype);
          const attribute = { name: 'T', type: binding.TF_ATTR_TYPE, value: type };
          return [name, `${recorder.node('Identity', [attribute], [nameOf(tensor)])}:0`] as const;
        });
        found = {
          inputs: inputs.map(([name, of]) => [name, of.name] as const),
          outputs: [...fetched, ['', this.#state.signal(writes)] as const],
          sets: [...updates].flatMap(([name, update]) => (isTensor(update) ? [name] : [])),
        };
        for (const { tensor } of reads.values()) tensor.dispose();
      });
      return found;
    });
    this.#signatures.set(key, signature);
    return signature;
  }

  /** Loads the grown graph and moves the state over, one part at a time. */
  #load(): void {
    const { binding } = this.native;
    const old = this.#session;
    const loaded = this.#recorder.load();
    const names = old === null ? this.request.state.keys() : this.#isSet;
    for (const part of this.#portions([...names])) {
      this.#session = old;
      const values = old === null ? this.#starts(part) : new Map(zip(part, this.stateOf(part)));
      this.#session = loaded;
      this.#write([...values.keys()], [...values.values()]);
      for (const [name, value] of values)
        if (old !== null || 'start' in this.request.state.get(name)!) value.dispose();
    }
    this.#session = loaded;
    if (old !== null) binding.deleteSavedModel(old);
  }

  /** What some of the state starts as; the variables themselves, new tensors for the rest. */
  #starts(names: readonly string[]): Map<string, Tensor> {
    const { tf } = this.backend;
    const values = new Map<string, Tensor>();
    for (const name of names) {
      const given = this.request.state.get(name)!;
      if (!('start' in given)) values.set(name, given);
      else if (given.start === 'zeros') values.set(name, tf.fill([...given.shape], 0));
      else if (given.start !== 'unset') values.set(name, tf.tensor(given.start, [...given.shape]));
    }
    return values;
  }
}

const zip = <A, B>(a: readonly A[], b: readonly B[]): [A, B][] => a.map((item, at) => [item, b[at]!]);

const shapesOf = (inputs: NamedTensors): InputShapes =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [name, { shape, dtype: dtype as 'float32' }]),
  );

const signatureKey = (shapes: InputShapes): string =>
  Object.keys(shapes)
    .sort()
    .map((name) => `${name}:${shapes[name]!.dtype}[${shapes[name]!.shape.join(',')}]`)
    .join(' ');
