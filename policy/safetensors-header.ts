import { z } from 'zod';
import { TerminalError } from '../core/errors.js';
import { ELEMENT_BYTES, type ElementType } from './element-type.js';

/** Where a tensor lies in its file. */
export interface TensorEntry {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly start: number;
  readonly bytes: number;
}

/** The largest header that the format's own library reads. */
export const LARGEST_HEADER = 100_000_000;

const Entry = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** TerminalError `policy.bad-weights` about a file. */
export const badWeights = (path: string, what: string, cause?: unknown): TerminalError =>
  new TerminalError('policy.bad-weights', `${path} ${what}`, {
    fields: { path },
    ...(cause === undefined ? {} : { cause }),
  });

/** Number of elements, or null when it is no exact integer. */
export function elementCount(shape: readonly number[]): number | null {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return null;
  }
  return count;
}

/**
 * Reads a header: tensors by name, in the order of their bytes. The tensors must fill the file from the header to its
 * end without gaps or overlaps, as the format demands. TerminalError `policy.bad-weights` names file and tensor.
 *
 * @param length bytes of the header, after the eight that hold this number
 * @param size bytes of the file
 */
export function parseHeader(
  path: string,
  header: Uint8Array,
  length: number,
  size: number,
): Map<string, TensorEntry> {
  const text = decode(path, header);
  const tensors: [string, TensorEntry][] = [];
  for (const [name, value] of Object.entries(parseObject(path, text))) {
    if (name !== '__metadata__') tensors.push([name, entry(path, name, value, 8 + length)]);
  }
  tensors.sort(([, a], [, b]) => a.start - b.start || a.bytes - b.bytes);
  let end = 8 + length;
  let before = 'the header';
  for (const [name, { start, bytes }] of tensors) {
    if (start > end) throw badWeights(path, `has a gap of ${start - end} bytes before ${name}`);
    if (start < end)
      throw badWeights(path, `lets ${name} overlap ${before}: byte ${start} lies before ${end}`);
    end = start + bytes;
    before = name;
    if (end > size) throw badWeights(path, `is truncated: ${name} ends at byte ${end} of ${size}`);
  }
  if (end < size) throw badWeights(path, `has ${size - end} bytes after its last tensor, ${before}`);
  return new Map(tensors);
}

function decode(path: string, header: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch (cause) {
    throw badWeights(path, 'has a header that is not UTF-8', cause);
  }
}

function parseObject(path: string, text: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw badWeights(path, 'has a header that is not JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw badWeights(path, 'has a header that is not an object');
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw badWeights(path, `has a header with two entries for ${twice}`);
  return parsed;
}

/** The first key that stands twice in one object of valid JSON; `JSON.parse` would keep the last without a word. */
function duplicateKey(json: string): string | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') open.push(new Set());
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at++;
      while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
      let next = at + 1;
      while (/\s/.test(json[next] ?? '')) next++;
      if (json[next] !== ':') continue;
      const key = JSON.parse(json.slice(start, at + 1)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}

function entry(path: string, name: string, value: unknown, dataStart: number): TensorEntry {
  const parsed = Entry.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badWeights(path, `describes ${name} wrongly: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const lists = `[${shape.join(', ')}]`;
  if (!Object.hasOwn(ELEMENT_BYTES, dtype)) {
    const known = Object.keys(ELEMENT_BYTES).join(', ');
    throw badWeights(path, `holds ${name} ${lists} as ${dtype}; ${known} can be read`);
  }
  if (offsets[1] < offsets[0]) {
    throw badWeights(path, `lets ${name} end at byte ${offsets[1]}, before it begins at ${offsets[0]}`);
  }
  const count = elementCount(shape);
  const needed = count === null ? Infinity : count * ELEMENT_BYTES[dtype as ElementType];
  if (!Number.isSafeInteger(needed)) throw badWeights(path, `gives ${name} an impossible shape ${lists}`);
  const bytes = offsets[1] - offsets[0];
  if (bytes !== needed) {
    throw badWeights(path, `gives ${name} ${lists} ${bytes} bytes instead of ${needed}`);
  }
  return { dtype: dtype as ElementType, shape, start: dataStart + offsets[0], bytes };
}
