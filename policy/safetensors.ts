import { open, type FileHandle } from 'node:fs/promises';
import { ELEMENT_BYTES, storedBytes, widenInPlace } from './element-type.js';
import { badWeights, LARGEST_HEADER, parseHeader, type TensorEntry } from './safetensors-header.js';

/** Float32 values that are read, written and sent to the device at a time: 16 MiB. */
export const SLICE_VALUES = 2 ** 22;

/**
 * An open `.safetensors` file: eight bytes of header length, a JSON header, then the tensors' bytes. Everything that a
 * header claims is checked against the file's size before anything else is read.
 */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** By name, in the order of their bytes. */
    readonly tensors: ReadonlyMap<string, TensorEntry>,
  ) {}

  /** Opens and checks a file; TerminalError `policy.bad-weights` names the file and what is wrong. */
  static async open(path: string): Promise<SafetensorsFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (cause) {
      throw badWeights(path, 'cannot be opened', cause);
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
    const { dtype, bytes } = this.#entry(name);
    const total = bytes / ELEMENT_BYTES[dtype];
    const wanted = count ?? total - start;
    this.#checkRange(name, total, start, wanted);
    const values = new Float32Array(wanted);
    for (let done = 0; done < values.length; done += SLICE_VALUES) {
      await this.readInto(name, start + done, values.subarray(done, done + SLICE_VALUES));
    }
    return values;
  }

  /**
   * Fills `into` with the tensor's elements from `start` on, without any other memory. TerminalError
   * `policy.bad-weights` when the tensor has fewer elements.
   *
   * @returns whether all values are finite
   */
  async readInto(name: string, start: number, into: Float32Array): Promise<boolean> {
    const entry = this.#entry(name);
    const width = ELEMENT_BYTES[entry.dtype];
    this.#checkRange(name, entry.bytes / width, start, into.length);
    await readFully(this.handle, this.path, storedBytes(entry.dtype, into), entry.start + start * width);
    return widenInPlace(entry.dtype, into);
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  #entry(name: string): TensorEntry {
    const found = this.tensors.get(name);
    if (found === undefined) throw badWeights(this.path, `has no tensor ${name}`);
    return found;
  }

  #checkRange(name: string, total: number, start: number, count: number): void {
    if (start < 0 || count < 0 || start + count > total) {
      throw badWeights(
        this.path,
        `has ${total} elements in ${name}; ${start} to ${start + count} were asked for`,
      );
    }
  }
}

async function readFully(
  handle: FileHandle,
  path: string,
  into: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw badWeights(path, `ends before byte ${position + done}`);
    done += bytesRead;
  }
}

async function readHeader(path: string, handle: FileHandle): Promise<Map<string, TensorEntry>> {
  const { size } = await handle.stat();
  if (size < 8) throw badWeights(path, `has ${size} bytes, too few for a header`);
  const prefix = Buffer.alloc(8);
  await readFully(handle, path, prefix, 0);
  const claimed = prefix.readBigUInt64LE();
  if (claimed > BigInt(size - 8)) {
    throw badWeights(path, `claims a header of ${claimed} bytes in a file of ${size}`);
  }
  const length = Number(claimed);
  if (length > LARGEST_HEADER) {
    throw badWeights(path, `has a header of ${length} bytes; at most ${LARGEST_HEADER} are read`);
  }
  const header = Buffer.alloc(length);
  await readFully(handle, path, header, 8);
  return parseHeader(path, header, length, size);
}
