/**
 * The part of TensorFlow.js' native binding that the policy uses directly: eager operations by TensorFlow name (for
 * kernels that TensorFlow.js does not offer) and saved models (for compiled steps). Source: tfjs-node 4.22
 * `nodejs_kernel_backend.js` and `binding/tfjs_backend.cc`.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { Backend } from './backend.js';

/** An operation's attribute as the binding takes it. */
export interface NativeAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What the binding reports of each output. */
export interface NativeOutput {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

export type NativeArray = Float32Array | Int32Array | Uint8Array;

/** The C++ side: tensors are integer ids. */
export interface NativeBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
  executeOp(name: string, attributes: NativeAttribute[], inputs: number[], outputs: number): NativeOutput[];
  createTensor(shape: number[], dtype: number, data: NativeArray): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): NativeArray;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(session: number): void;
  runSavedModel(session: number, inputs: number[], inputNames: string, outputNames: string): NativeOutput[];
  isUsingGpuDevice(): boolean;
  /** While a step is recorded: the tensor `id` as one that exists only once `dependencies` do. */
  readonly executeAfter?: (id: number, dependencies: readonly number[]) => NativeOutput;
}

/** TensorFlow.js' kernel backend over the binding. */
export interface NativeBackend {
  binding: NativeBinding;
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(output: NativeOutput): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: NativeAttribute[],
    inputs: Tensor[],
    outputs: number,
  ): Tensor[];
}

/** The native side of a backend, or null on plain JavaScript. */
export function nativeBackend(backend: Pick<Backend, 'tf' | 'name'>): NativeBackend | null {
  return backend.name === 'plain-js' ? null : (backend.tf.backend() as unknown as NativeBackend);
}
