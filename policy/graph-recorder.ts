import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs/minimal.js';
import { partialName } from '../core/partial-name.js';
import type { NativeArray, NativeAttribute, NativeBinding } from './native.js';

const { Writer } = protobuf;
type Writer = protobuf.Writer;

/** Protobuf's wire types: the low three bits of a tag. */
const tag = (field: number, wire: 0 | 2 | 5): number => (field << 3) | wire;
const bytes = (writer: Writer, field: number, value: Uint8Array): Writer =>
  writer.uint32(tag(field, 2)).bytes(value);
const text = (writer: Writer, field: number, value: string): Writer =>
  writer.uint32(tag(field, 2)).string(value);

/** tensorflow.TensorShapeProto */
function shapeProto(shape: readonly number[]): Uint8Array {
  const writer = Writer.create();
  for (const size of shape) bytes(writer, 2, Writer.create().uint32(tag(1, 0)).int64(size).finish());
  return writer.finish();
}

/** tensorflow.TensorProto; a tensor of one repeated value is written as that value. */
function tensorProto(dtype: number, shape: readonly number[], data: NativeArray): Uint8Array {
  const writer = Writer.create().uint32(tag(1, 0)).int32(dtype);
  bytes(writer, 2, shapeProto(shape));
  const isUniform =
    data.length > 16 && data instanceof Float32Array && data.every((value) => value === data[0]);
  if (isUniform) return bytes(writer, 5, Writer.create().float(data[0]!).finish()).finish();
  return bytes(writer, 4, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).finish();
}

/**
 * Writes down operations as the nodes of a TensorFlow graph (tensorflow.GraphDef inside tensorflow.SavedModel). Tensors
 * are named `node:output`. Source of the field numbers: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto
 * and tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.
 */
export class GraphRecorder {
  readonly #nodes: Uint8Array[] = [];
  readonly #constants = new Map<string, string>();
  #scope = 'n';
  #inScope = 0;

  constructor(private readonly binding: NativeBinding) {}

  get size(): number {
    return this.#nodes.length;
  }

  /**
   * Starts a part of the graph whose node names, order and constants do not depend on the parts recorded before it.
   * TensorFlow's graph optimizer reorders sums by node name, so the last bits of a result follow from the names.
   */
  begin(scope: string): void {
    this.#scope = `${scope}/n`;
    this.#inScope = 0;
    this.#constants.clear();
  }

  /** Adds a node and returns its name; `after` are nodes that must have run before. */
  node(
    operation: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly string[],
    after: readonly string[] = [],
  ): string {
    const name = `${this.#scope}${this.#inScope++}`;
    const writer = Writer.create();
    text(writer, 1, name);
    text(writer, 2, operation);
    for (const input of inputs) text(writer, 3, input);
    for (const node of after) text(writer, 3, `^${node}`);
    for (const attribute of attributes) {
      const entry = Writer.create();
      text(entry, 1, attribute.name);
      bytes(entry, 2, this.#attribute(attribute));
      bytes(writer, 5, entry.finish());
    }
    this.#nodes.push(writer.finish());
    return name;
  }

  /** A constant; equal ones share a node. */
  constant(dtype: number, shape: readonly number[], data: NativeArray): string {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${dtype}:${shape.join('x')}:${createHash('sha1').update(raw).digest('base64')}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const { TF_ATTR_TYPE } = this.binding;
    const value = { name: 'value', type: -1, value: tensorProto(dtype, shape, data) };
    const added = `${this.node('Const', [{ name: 'dtype', type: TF_ATTR_TYPE, value: dtype }, value], [])}:0`;
    this.#constants.set(key, added);
    return added;
  }

  placeholder(dtype: number, shape: readonly number[]): string {
    const { TF_ATTR_TYPE, TF_ATTR_SHAPE } = this.binding;
    const attributes = [
      { name: 'dtype', type: TF_ATTR_TYPE, value: dtype },
      { name: 'shape', type: TF_ATTR_SHAPE, value: shape },
    ];
    return `${this.node('Placeholder', attributes, [])}:0`;
  }

  /** Loads everything recorded so far as one session of the native library. */
  load(): number {
    const graph = Writer.create();
    for (const node of this.#nodes) bytes(graph, 1, node);
    // GraphDef.versions: the producer whose semantics the nodes have, and the oldest consumer that may read them.
    bytes(graph, 4, Writer.create().uint32(tag(1, 0)).int32(1882).uint32(tag(2, 0)).int32(12).finish());
    const info = Writer.create();
    text(info, 4, 'serve');
    const meta = Writer.create();
    bytes(meta, 1, info.finish());
    bytes(meta, 2, graph.finish());
    const model = Writer.create().uint32(tag(1, 0)).int64(1);
    bytes(model, 2, meta.finish());
    const folder = partialName(join(tmpdir(), 'hindsight-graph'));
    mkdirSync(folder, { mode: 0o700 });
    try {
      writeFileSync(join(folder, 'saved_model.pb'), model.finish());
      return this.binding.loadSavedModel(folder, 'serve');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** tensorflow.AttrValue; type -1 is a tensor that is encoded already. */
  #attribute({ type, value }: NativeAttribute): Uint8Array {
    const { binding } = this;
    const writer = Writer.create();
    if (Array.isArray(value) && type !== binding.TF_ATTR_SHAPE) return integerList(value, writer);
    switch (type) {
      case -1:
        return bytes(writer, 8, value as Uint8Array).finish();
      case binding.TF_ATTR_STRING:
        return text(writer, 2, value as string).finish();
      case binding.TF_ATTR_INT:
        return writer
          .uint32(tag(3, 0))
          .int64(value as number)
          .finish();
      case binding.TF_ATTR_FLOAT:
        return writer
          .uint32(tag(4, 5))
          .float(value as number)
          .finish();
      case binding.TF_ATTR_BOOL:
        return writer
          .uint32(tag(5, 0))
          .bool(value as boolean)
          .finish();
      case binding.TF_ATTR_TYPE:
        return writer
          .uint32(tag(6, 0))
          .int32(value as number)
          .finish();
      case binding.TF_ATTR_SHAPE:
        return bytes(writer, 7, shapeProto(value as number[])).finish();
      default:
        throw new TypeError(`an attribute of type ${type} cannot be recorded: ${String(value)}`);
    }
  }
}

/** tensorflow.AttrValue.ListValue of integers, the only lists that TensorFlow.js' kernels pass. */
function integerList(value: readonly unknown[], writer: Writer): Uint8Array {
  const packed = Writer.create();
  for (const item of value) {
    if (!Number.isInteger(item)) throw new TypeError(`a list attribute cannot be recorded: ${String(value)}`);
    packed.int64(item as number);
  }
  return bytes(writer, 1, bytes(Writer.create(), 3, packed.finish()).finish()).finish();
}
