import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { areFinite, ELEMENT_BYTES, narrow, type ElementType } from './element-type.js';
import { partialName } from './folder-file.js';
import { badWeights, elementCount } from './safetensors-header.js';
import { SLICE_VALUES } from './safetensors.js';

/** A tensor's values, at once or in parts that follow one another. */
export type TensorValues = Promise<Float32Array> | AsyncIterable<Float32Array>;

/** One tensor to be written; its values are asked for when its turn comes. */
export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: () => TensorValues;
}

export interface WriteOptions {
  /** Element type in the file; float32 when absent. Others round to the nearest value, ties to even. */
  readonly dtype?: ElementType;
  /** Refuses NaN and infinity. What is rounded is always refused when it does not fit its type. */
  readonly finite?: boolean;
}

/**
 * Writes tensors in the order of their names, one in memory at a time; equal tensors give equal bytes. The file gets its
 * name when it is whole and flushed, so that a kill leaves the file before or the new one. TerminalError
 * `policy.bad-weights` when values do not fill their shape or are refused.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  options: WriteOptions = {},
): Promise<void> {
  await writePartialSafetensors(path, tensors, options);
  await rename(partialName(path), path);
}

/** As {@link writeSafetensors}, without giving the file its name. */
export async function writePartialSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  { dtype = 'F32', finite = false }: WriteOptions = {},
): Promise<void> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const partial = partialName(path);
  const handle = await open(partial, 'w');
  try {
    await writeAll(handle, headerBytes(path, sorted, dtype));
    for (const { name, shape, values } of sorted) {
      const wanted = elementCount(shape)!;
      let written = 0;
      const otherCount = (given: number) =>
        badWeights(path, `cannot hold ${name}: ${given} values for [${shape.join(', ')}]`);
      for await (const part of parts(values())) {
        if (written + part.length > wanted) throw otherCount(written + part.length);
        for (let start = 0; start < part.length; start += SLICE_VALUES) {
          const slice = part.subarray(start, start + SLICE_VALUES);
          const stored = narrow(dtype, slice);
          if (finite || dtype !== 'F32') checkFinite(path, name, dtype, slice, stored);
          await writeAll(handle, stored);
        }
        written += part.length;
      }
      if (written !== wanted) throw otherCount(written);
    }
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(partial, { force: true });
    throw error;
  }
  await handle.close();
}

async function* parts(values: TensorValues): AsyncGenerator<Float32Array> {
  if (Symbol.asyncIterator in values) yield* values;
  else yield await values;
}

/** Length and JSON, padded with spaces so that the data starts at a multiple of eight. */
function headerBytes(path: string, tensors: readonly TensorToWrite[], dtype: ElementType): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    if (Object.hasOwn(header, name)) throw badWeights(path, `cannot hold two tensors named ${name}`);
    const end = offset + ELEMENT_BYTES[dtype] * (elementCount(shape) ?? Infinity);
    if (!Number.isSafeInteger(end)) throw badWeights(path, `cannot hold ${name} [${shape.join(', ')}]`);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const text = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text]);
}

function checkFinite(
  path: string,
  name: string,
  dtype: ElementType,
  values: Float32Array,
  stored: Uint8Array,
): void {
  if (!areFinite(new Int32Array(values.buffer, values.byteOffset, values.length))) {
    throw badWeights(path, `cannot hold ${name}: it has values that are not finite (NaN or infinite)`);
  }
  if (dtype === 'F32') return;
  const exponent = dtype === 'BF16' ? 0x7f80 : 0x7c00;
  const halves = new Uint16Array(stored.buffer, stored.byteOffset, values.length);
  for (let at = 0; at < halves.length; at++) {
    if ((halves[at]! & exponent) === exponent)
      throw badWeights(path, `cannot hold ${name} as ${dtype}: ${values[at]} is too large`);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
