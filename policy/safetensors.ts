import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { TerminalError } from '../core/errors.js';

/** Element types that can be read; everything becomes float32. */
const WIDTH = { F32: 4, F16: 2, BF16: 2 } as const;
type ElementType = keyof typeof WIDTH;

export interface TensorEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly start: number;
  readonly bytes: number;
}

const Entry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** Real headers are far smaller; this bounds what a broken length makes us read. */
const LARGEST_HEADER = 100 * 2 ** 20;
const SLICE = 16 * 2 ** 20;

/**
 * An open `.safetensors` file: eight bytes of header length, a JSON header, then the tensors' bytes. Everything that a
 * header claims is checked against the file's size before anything is read.
 */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    readonly tensors: ReadonlyMap<string, TensorEntry>,
  ) {}

  /** Opens and checks a file; TerminalError `policy.bad-weights` names the file and what is wrong. */
  static async open(path: string): Promise<SafetensorsFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (cause) {
      throw new TerminalError('policy.bad-weights', `${path} cannot be opened`, { cause });
    }
    try {
      return new SafetensorsFile(path, handle, await readHeader(path, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Reads a tensor, or `count` of its elements from `start`, as float32; at most 16 MiB of raw bytes at a time. */
  async read(name: string, start = 0, count?: number): Promise<Float32Array> {
    const entry = this.tensors.get(name);
    if (entry === undefined) throw broken(this.path, `has no tensor ${name}`);
    const width = WIDTH[entry.dtype];
    const total = entry.bytes / width;
    const wanted = count ?? total - start;
    if (start < 0 || wanted < 0 || start + wanted > total) {
      throw broken(this.path, `${name} has ${total} elements; ${start} to ${start + wanted} were asked for`);
    }
    const values = new Float32Array(wanted);
    const buffer = Buffer.alloc(Math.min(SLICE, wanted * width));
    for (let done = 0; done < wanted;) {
      const elements = Math.min(wanted - done, Math.floor(buffer.length / width));
      await readFully(
        this.handle,
        this.path,
        buffer.subarray(0, elements * width),
        entry.start + (start + done) * width,
      );
      widen(entry.dtype, buffer, values.subarray(done, done + elements));
      done += elements;
    }
    return values;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

const broken = (path: string, what: string): TerminalError =>
  new TerminalError('policy.bad-weights', `${path} ${what}`, { fields: { path } });

async function readFully(handle: FileHandle, path: string, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw broken(path, `ends at byte ${position + done}`);
    done += bytesRead;
  }
}

async function readHeader(path: string, handle: FileHandle): Promise<Map<string, TensorEntry>> {
  const { size } = await handle.stat();
  if (size < 8) throw broken(path, `has ${size} bytes, too few for a header`);
  const prefix = Buffer.alloc(8);
  await readFully(handle, path, prefix, 0);
  const length = Number(prefix.readBigUInt64LE());
  if (length > size - 8 || length > LARGEST_HEADER) {
    throw broken(path, `claims a header of ${length} bytes in a file of ${size}`);
  }
  const text = Buffer.alloc(length);
  await readFully(handle, path, text, 8);
  let header: unknown;
  try {
    header = JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new TerminalError('policy.bad-weights', `${path} has a header that is not JSON`, { cause });
  }
  const entries = z.record(z.string(), z.unknown()).safeParse(header);
  if (!entries.success) throw broken(path, 'has a header that is not an object');
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(entries.data)) {
    if (name === '__metadata__') continue;
    const parsed = Entry.safeParse(value);
    if (!parsed.success)
      throw broken(path, `describes ${name} wrongly: ${parsed.error.issues[0]?.message ?? ''}`);
    const { dtype, shape, data_offsets: offsets } = parsed.data;
    if (!Object.hasOwn(WIDTH, dtype))
      throw broken(path, `holds ${name} as ${dtype}; F32, F16 and BF16 can be read`);
    const bytes = offsets[1] - offsets[0];
    const needed = shape.reduce((a, b) => a * b, 1) * WIDTH[dtype as ElementType];
    if (bytes !== needed)
      throw broken(path, `gives ${name} [${shape.join(', ')}] ${bytes} bytes instead of ${needed}`);
    if (8 + length + offsets[1] > size) {
      throw broken(path, `is truncated: ${name} ends at byte ${8 + length + offsets[1]} of ${size}`);
    }
    tensors.set(name, { dtype: dtype as ElementType, shape, start: 8 + length + offsets[0], bytes });
  }
  return tensors;
}

function widen(dtype: ElementType, raw: Buffer, into: Float32Array): void {
  const view = new DataView(raw.buffer, raw.byteOffset, into.length * WIDTH[dtype]);
  if (dtype === 'F32') {
    for (let i = 0; i < into.length; i++) into[i] = view.getFloat32(4 * i, true);
    return;
  }
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
  for (let i = 0; i < into.length; i++) {
    const half = view.getUint16(2 * i, true);
    if (dtype === 'BF16') bits[i] = half << 16;
    else into[i] = halfToFloat(half);
  }
}

function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** One tensor to be written; its values are asked for when its turn comes. */
export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: () => Promise<Float32Array>;
}

/**
 * Writes float32 tensors in the order of their names, one in memory at a time; equal tensors give equal bytes.
 * TerminalError `policy.bad-weights` when values do not fill their shape.
 */
export async function writeSafetensors(path: string, tensors: readonly TensorToWrite[]): Promise<void> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of sorted) {
    const end = offset + 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  // Padded with spaces, so that the data starts at a multiple of eight.
  const text = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(Buffer.concat([prefix, text]));
    for (const { name, shape, values } of sorted) {
      const data = await values();
      if (data.length !== shape.reduce((a, b) => a * b, 1)) {
        throw broken(path, `cannot hold ${name}: ${data.length} values for [${shape.join(', ')}]`);
      }
      await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}
