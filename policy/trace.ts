import type { Tensor } from '@tensorflow/tfjs';
import type { GraphRecorder } from './graph-recorder.js';
import type { NativeArray, NativeAttribute, NativeBackend, NativeBinding, NativeOutput } from './native.js';

/**
 * Runs `body` eagerly and records every operation it executes. `names` tells what the recorder calls tensors that
 * exist before (inputs, state); any other tensor from before becomes a constant of the graph.
 *
 * @returns a function that names any tensor that the body saw or made, for use inside `body` or right after it while
 * the tensor is alive
 */
export function trace<T>(
  native: NativeBackend,
  recorder: GraphRecorder,
  names: ReadonlyMap<Tensor, string>,
  body: () => T,
): { result: T; nameOf: (tensor: Tensor) => string } {
  const real = native.binding;
  const resolve = native.getInputTensorIds.bind(native);
  const known = new Map<number, string>();
  for (const [tensor, name] of names) known.set(resolve([tensor])[0]!, name);

  const fromBefore = (id: number, tensor: Tensor): void => {
    if (known.has(id)) return;
    known.set(id, recorder.constant(dtypeOf(real, tensor.dtype), tensor.shape, real.tensorDataSync(id)));
  };
  const recording = {
    executeOp: (
      name: string,
      attributes: NativeAttribute[],
      inputs: number[],
      count: number,
    ): NativeOutput[] => {
      const outputs = real.executeOp(name, attributes, inputs, count);
      const recorded = inputs.map((id) => known.get(id)!);
      const node = recorder.node(name, [...attributes, ...inferred(real, name, outputs)], recorded);
      outputs.forEach((output, i) => known.set(output.id, `${node}:${i}`));
      return outputs;
    },
    createTensor: (shape: number[], dtype: number, data: NativeArray): number => {
      const id = real.createTensor(shape, dtype, data);
      known.set(id, recorder.constant(dtype, shape, data));
      return id;
    },
  };
  const executeAfter = (id: number, dependency: number): NativeOutput => {
    // Only its type is not known here; that of its input is.
    const [output] = real.executeOp('Identity', [], [id], 1);
    const type = { name: 'T', type: real.TF_ATTR_TYPE, value: output!.dtype };
    const before = known.get(dependency)!.replace(/:\d+$/, '');
    known.set(output!.id, `${recorder.node('Identity', [type], [known.get(id)!], [before])}:0`);
    return output!;
  };
  // An empty target: the real object's properties are read-only, which a proxy may not contradict.
  native.binding = new Proxy({} as NativeBinding, {
    get: (_, key: string) => {
      if (key === 'executeOp' || key === 'createTensor') return recording[key];
      if (key === 'executeAfter') return executeAfter;
      const value: unknown = Reflect.get(real, key);
      return typeof value === 'function' ? (value.bind(real) as unknown) : value;
    },
  });
  native.getInputTensorIds = (tensors) => {
    const ids = resolve(tensors);
    ids.forEach((id, i) => fromBefore(id, tensors[i]!));
    return ids;
  };
  const restore = () => {
    native.binding = real;
    // The patched method sat on the instance and hid the class's own.
    Reflect.deleteProperty(native, 'getInputTensorIds');
  };
  try {
    const result = body();
    const nameOf = (tensor: Tensor): string => {
      const id = resolve([tensor])[0]!;
      fromBefore(id, tensor);
      return known.get(id)!;
    };
    return { result, nameOf };
  } finally {
    restore();
  }
}

/** Attributes that a kernel of TensorFlow.js leaves to eager inference and a graph must spell out. */
function inferred(binding: NativeBinding, name: string, outputs: readonly NativeOutput[]): NativeAttribute[] {
  if (name !== 'ExpandDims') return [];
  const type = binding.TF_ATTR_TYPE;
  return [
    { name: 'T', type, value: outputs[0]!.dtype },
    { name: 'Tdim', type, value: binding.TF_INT32 },
  ];
}

/** The native number of a TensorFlow.js type. */
export function dtypeOf(binding: NativeBinding, dtype: string): number {
  if (dtype === 'float32') return binding.TF_FLOAT;
  if (dtype === 'int32') return binding.TF_INT32;
  if (dtype === 'bool') return binding.TF_BOOL;
  throw new TypeError(`a ${dtype} tensor cannot be part of a compiled step`);
}
