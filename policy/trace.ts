import type { Tensor } from '@tensorflow/tfjs';
import type { GraphRecorder } from './graph-recorder.js';
import type { NativeArray, NativeAttribute, NativeBackend, NativeBinding, NativeOutput } from './native.js';

/** A tensor of the recorded graph that enters it from outside. */
export interface StandIn {
  readonly shape: readonly number[];
  /** Native type number. */
  readonly dtype: number;
  /** What the recorder calls it. */
  readonly name: string;
}

/** What the body of a trace works with. */
export interface Tracing {
  /** A tensor without a value that stands for something outside of the graph. */
  readonly standIn: (of: StandIn) => Tensor;
  /** What the recorder calls a tensor that the body saw or made. */
  readonly nameOf: (tensor: Tensor) => string;
}

/** Numbers of tensors that have no value; the library counts its own from 0. */
const FIRST_VIRTUAL = 2 ** 30;

/**
 * Records every operation that `body` executes as a node of the graph. Nothing keeps a value: each operation runs once on
 * zeros, which tells the shapes of its outputs, so that tracing a step takes far less memory than running it. A value
 * that is asked for is a TypeError, since it would be frozen into the graph; tensors from before the trace become
 * constants. The body's tensors must be disposed of when it returns.
 */
export function trace<T>(native: NativeBackend, recorder: GraphRecorder, body: (tracing: Tracing) => T): T {
  const real = native.binding;
  const resolve = native.getInputTensorIds.bind(native);
  const known = new Map<number, StandIn>();
  const zeros = new Zeros(real);
  let next = FIRST_VIRTUAL;

  const add = (of: StandIn): NativeOutput => {
    known.set(next, of);
    return { id: next++, shape: [...of.shape], dtype: of.dtype };
  };
  const fromBefore = (id: number, tensor: Tensor): void => {
    if (known.has(id)) return;
    const dtype = dtypeOf(real, tensor.dtype);
    const name = recorder.constant(dtype, tensor.shape, real.tensorDataSync(id));
    known.set(id, { shape: tensor.shape, dtype, name });
  };
  const executeOp = (
    name: string,
    attributes: NativeAttribute[],
    inputs: number[],
    count: number,
  ): NativeOutput[] => {
    // Constants, such as axes and shapes, take part with their values.
    const values = inputs.map((id) => (id < FIRST_VIRTUAL ? id : zeros.like(known.get(id)!)));
    const outputs = real.executeOp(name, attributes, values, count);
    const recorded = inputs.map((id) => known.get(id)!.name);
    const node = recorder.node(name, [...attributes, ...inferred(real, name, outputs)], recorded);
    return outputs.map(({ id, shape, dtype }, at) => {
      real.deleteTensor(id);
      return add({ shape, dtype, name: `${node}:${at}` });
    });
  };
  const recording: Partial<NativeBinding> = {
    executeOp,
    createTensor: (shape: number[], dtype: number, data: NativeArray): number => {
      const id = real.createTensor(shape, dtype, data);
      known.set(id, { shape, dtype, name: recorder.constant(dtype, shape, data) });
      return id;
    },
    deleteTensor: (id) => {
      if (id < FIRST_VIRTUAL) real.deleteTensor(id);
    },
    tensorDataSync: (id) => {
      if (id < FIRST_VIRTUAL) return real.tensorDataSync(id);
      throw new TypeError('a step that is recorded cannot read the value of a tensor');
    },
    executeAfter: (id, dependencies) => {
      const of = known.get(id)!;
      const type = { name: 'T', type: real.TF_ATTR_TYPE, value: of.dtype };
      const before = dependencies.map((other) => known.get(other)!.name.replace(/:\d+$/, ''));
      return add({ ...of, name: `${recorder.node('Identity', [type], [of.name], [...new Set(before)])}:0` });
    },
  };
  // An empty target: the real object's properties are read-only, which a proxy may not contradict.
  native.binding = new Proxy({} as NativeBinding, {
    get: (_, key: string) => {
      if (key in recording) return recording[key as keyof NativeBinding];
      const value: unknown = Reflect.get(real, key);
      return typeof value === 'function' ? (value.bind(real) as unknown) : value;
    },
  });
  native.getInputTensorIds = (tensors) => {
    const ids = resolve(tensors);
    ids.forEach((id, i) => fromBefore(id, tensors[i]!));
    return ids;
  };
  try {
    return body({
      standIn: (of) => native.createOutputTensor(add(of)),
      nameOf: (tensor) => known.get(native.getInputTensorIds([tensor])[0]!)!.name,
    });
  } finally {
    native.binding = real;
    // The patched method sat on the instance and hid the class's own.
    Reflect.deleteProperty(native, 'getInputTensorIds');
    zeros.dispose();
  }
}

/** One tensor of zeros per shape and type. */
class Zeros {
  readonly #known = new Map<string, number>();

  constructor(private readonly binding: NativeBinding) {}

  like({ shape, dtype }: StandIn): number {
    const key = `${dtype}:${shape.join('x')}`;
    let id = this.#known.get(key);
    if (id === undefined) {
      id = this.#fill(shape, dtype);
      this.#known.set(key, id);
    }
    return id;
  }

  dispose(): void {
    for (const id of this.#known.values()) this.binding.deleteTensor(id);
    this.#known.clear();
  }

  #fill(shape: readonly number[], dtype: number): number {
    const { binding } = this;
    const { TF_ATTR_TYPE, TF_INT32, TF_BOOL } = binding;
    const value = dtype === TF_INT32 ? Int32Array.of(0) : Float32Array.of(0);
    const zero = binding.createTensor([], dtype, dtype === TF_BOOL ? Uint8Array.of(0) : value);
    const dims = binding.createTensor([shape.length], TF_INT32, Int32Array.from(shape));
    const attributes = [
      { name: 'T', type: TF_ATTR_TYPE, value: dtype },
      { name: 'index_type', type: TF_ATTR_TYPE, value: TF_INT32 },
    ];
    const [filled] = binding.executeOp('Fill', attributes, [dims, zero], 1);
    binding.deleteTensor(zero);
    binding.deleteTensor(dims);
    return filled!.id;
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
