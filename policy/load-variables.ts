import type { Tensor, Variable } from '@tensorflow/tfjs';
import type { Backend } from './backend.js';
import type { ModelFolder } from './model-folder.js';
import { nativeBackend, type NativeBackend } from './native.js';
import { parameterSpecs } from './parameters.js';
import { elementCount } from './safetensors-header.js';
import { SLICE_VALUES } from './safetensors.js';

/**
 * Reads a model's parameters onto the device. On the native library they go there slice by slice through one buffer, so
 * that loading needs the memory of the float32 model and little more; TensorFlow.js by itself keeps the values of a
 * tensor in JavaScript until an operation first uses it. Nothing stays when reading fails.
 */
export async function loadVariables(backend: Backend, model: ModelFolder): Promise<Map<string, Variable>> {
  const { tf } = backend;
  const native = nativeBackend(backend);
  const specs = parameterSpecs(model.config);
  const buffer = native === null ? null : new Float32Array(bufferSize([...specs.values()]));
  const variables = new Map<string, Variable>();
  try {
    for (const [name, { shape }] of specs) {
      const read = (start: number, into: Float32Array) => model.readInto(name, start, into);
      let tensor: Tensor;
      if (native === null || buffer === null) {
        const values = new Float32Array(elementCount(shape)!);
        await read(0, values);
        tensor = tf.tensor(values, [...shape], 'float32');
      } else tensor = await readToDevice(native, shape, buffer, read);
      variables.set(name, tf.variable(tensor, false));
      tensor.dispose();
    }
  } catch (error) {
    for (const variable of variables.values()) variable.dispose();
    throw error;
  }
  return variables;
}

const rowSize = (shape: readonly number[]): number => elementCount(shape.slice(1))!;

/** A slice, or the widest row or the largest tensor where those ask for more or less. */
function bufferSize(specs: readonly { readonly shape: readonly number[] }[]): number {
  const largest = Math.max(...specs.map(({ shape }) => elementCount(shape)!));
  return Math.max(Math.min(SLICE_VALUES, largest), ...specs.map(({ shape }) => rowSize(shape)));
}

/**
 * Fills a tensor that is already on the device, some rows at a time. Concatenating slices there would need the tensor
 * twice; `InplaceUpdate` (TensorFlow's `inplace_ops.cc`, CPU and CUDA) writes into the memory of its first input, and
 * does so before it returns, so the buffer is free again. The tensor must not be seen by anyone before it is full.
 */
async function readToDevice(
  native: NativeBackend,
  shape: readonly number[],
  buffer: Float32Array,
  read: (start: number, into: Float32Array) => Promise<void>,
): Promise<Tensor> {
  const { binding } = native;
  const rows = shape[0]!;
  const width = rowSize(shape);
  const step = Math.min(rows, Math.max(1, Math.floor(buffer.length / width)));
  const empty = makeEmpty(native, shape);
  try {
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const slice = buffer.subarray(0, count * width);
      await read(row * width, slice);
      const indices = Int32Array.from({ length: count }, (_, i) => row + i);
      const inputs = [
        binding.createTensor([count], binding.TF_INT32, indices),
        binding.createTensor([count, ...shape.slice(1)], binding.TF_FLOAT, slice),
      ];
      const attributes = [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }];
      try {
        const [alias] = binding.executeOp('InplaceUpdate', attributes, [empty.id, ...inputs], 1);
        binding.deleteTensor(alias!.id);
      } finally {
        for (const input of inputs) binding.deleteTensor(input);
      }
    }
  } catch (error) {
    binding.deleteTensor(empty.id);
    throw error;
  }
  return native.createOutputTensor(empty);
}

/** Memory of a float32 tensor on the device, with nothing in it yet. */
function makeEmpty({ binding }: NativeBackend, shape: readonly number[]) {
  const size = binding.createTensor([shape.length], binding.TF_INT32, Int32Array.from(shape));
  const attributes = [
    { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'init', type: binding.TF_ATTR_BOOL, value: false },
  ];
  try {
    return binding.executeOp('Empty', attributes, [size], 1)[0]!;
  } finally {
    binding.deleteTensor(size);
  }
}
