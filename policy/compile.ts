import type { Tensor, Variable } from '@tensorflow/tfjs';
import type { Backend } from './backend.js';
import { EagerStep } from './eager-step.js';
import { GraphStep } from './graph-step.js';
import { nativeBackend } from './native.js';
import type { Update } from './update.js';

export type NamedTensors = Readonly<Record<string, Tensor>>;

/**
 * One step written in plain TensorFlow.js: reads state and inputs, returns outputs and new state. It must depend on
 * nothing else that changes between calls: other tensors, JavaScript branches and random numbers are frozen when the
 * step is traced, once per combination of input shapes.
 */
export type Step = (
  inputs: NamedTensors,
  read: (name: string) => Tensor,
) => { readonly outputs: NamedTensors; readonly updates: ReadonlyMap<string, Update> };

export interface InputShapes {
  readonly [name: string]: { readonly shape: readonly number[]; readonly dtype: 'float32' | 'int32' };
}

/** State that only the step holds; `unset` until a step first replaces it. */
export interface OwnState {
  readonly shape: readonly number[];
  readonly start: 'zeros' | 'unset' | Float32Array;
}

export interface StepRequest {
  /** What the step reads and updates, by name; float32. It starts as the variables are. */
  readonly state: ReadonlyMap<string, Variable | OwnState>;
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
  /** Copies the state that belongs to variables (or the named part) into them, for eager use, saving or another step. */
  readState(names?: Iterable<string>): void;
  /** Takes the variables' values (or the named ones) as the state, after they were changed from outside. */
  writeState(names?: Iterable<string>): void;
  /** Copies of parts of the state, in that order; the caller disposes of them. */
  stateOf(names: readonly string[]): Tensor[];
  /** Frees the graph; the variables keep the values of the last readState. */
  dispose(): void;
}

/**
 * Makes a step fast: every combination of input shapes is traced once, gradients included, and loaded as one TensorFlow
 * graph. Without the native library the step runs eagerly behind the same interface. The results agree within float32
 * rounding.
 */
export function compileStep(backend: Backend, request: StepRequest): CompiledStep {
  const native = nativeBackend(backend);
  return native === null ? new EagerStep(backend, request) : new GraphStep(backend, native, request);
}
