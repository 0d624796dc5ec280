import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { narrow, storedBytes, widenInPlace, type ElementType } from '../../policy/element-type.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { writeSafetensors } from '../../policy/safetensors-writer.js';
import { rawSafetensors } from './raw-safetensors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
});
afterEach(() => rm(folder, { recursive: true }));

const widen = (type: ElementType, stored: Uint8Array): { values: Float32Array; finite: boolean } => {
  const values = new Float32Array(stored.length / (type === 'F32' ? 4 : 2));
  storedBytes(type, values).set(stored);
  return { finite: widenInPlace(type, values), values };
};
const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset);
const tensor = (name: string, shape: number[], values: Float32Array) => ({
  name,
  shape,
  values: () => Promise.resolve(values),
});

describe('element types', () => {
  it.each(['F16', 'BF16'] as const)('gives back every %s that is no NaN', (type) => {
    const halves = new Uint16Array(0x10000).map((_, i) => i);
    const { values, finite } = widen(type, new Uint8Array(halves.buffer));
    expect(finite).toBe(false);
    const again = new Uint16Array(narrow(type, values).buffer);
    const lost = halves.filter((half, i) => again[i] !== half && !Number.isNaN(values[i]));
    expect(lost).toEqual(new Uint16Array());
    expect(values.filter((value, i) => Number.isNaN(value) && (again[i]! & 0x7fff) <= 0x7c00)).toHaveLength(
      0,
    );
  });

  it.each(['F16', 'BF16'] as const)('rounds to the nearest %s and ties to even', (type) => {
    const largest = type === 'F16' ? 0x7bff : 0x7f7f;
    const step = type === 'F16' ? 1 : 7;
    for (let half = 0; half < largest; half += step) {
      const { values } = widen(type, new Uint8Array(Uint16Array.of(half, half + 1).buffer));
      const middle = Float32Array.of((values[0]! + values[1]!) / 2);
      const [below, above] = [-1, 1].map((by) => {
        const near = middle.slice();
        bitsOf(near)[0]! += by;
        return near[0]!;
      });
      const even = half % 2 === 0 ? half : half + 1;
      const rounded = new Uint16Array(
        narrow(type, Float32Array.of(below!, middle[0]!, above!, -middle[0]!)).buffer,
      );
      expect([...rounded], `around ${half}`).toEqual([half, even, half + 1, even | 0x8000]);
    }
  });

  it('says whether values are finite', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const stored = (type: ElementType) => narrow(type, Float32Array.of(1, value, -2));
      for (const type of ['F32', 'F16', 'BF16'] as const)
        expect(widen(type, stored(type)).finite).toBe(false);
    }
    const edge = Float32Array.of(-3.4e38, 3.4e38, 1e-45, -0, 0);
    expect(widen('F32', narrow('F32', edge)).finite).toBe(true);
    expect(widen('F16', narrow('F16', Float32Array.of(65504, -65519, 1e-9))).finite).toBe(true);
    expect(widen('F16', narrow('F16', Float32Array.of(65520))).values[0]).toBe(Infinity);
  });
});

describe('reading', () => {
  it('reads float32, float16 and bfloat16, whole and in slices', async () => {
    const path = join(folder, 'x.safetensors');
    const halves = new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00]);
    const brain = new Uint16Array([0x3f80, 0xc049, 0x0000]);
    const floats = new Float32Array([1.5, -2.25]);
    const bytes = [halves, brain, floats].map((a) => new Uint8Array(a.buffer));
    const header = {
      h: { dtype: 'F16', shape: [2, 3], data_offsets: [0, 12] },
      b: { dtype: 'BF16', shape: [3], data_offsets: [12, 18] },
      f: { dtype: 'F32', shape: [2], data_offsets: [18, 26] },
    };
    await writeFile(path, rawSafetensors(header, Buffer.concat(bytes)));
    const opened = await SafetensorsFile.open(path);
    expect([...(await opened.read('h'))]).toEqual([1, -2, 65504, 2 ** -24, -0, Infinity]);
    expect([...(await opened.read('b'))]).toEqual([1, -3.140625, 0]);
    expect([...(await opened.read('f', 1, 1))]).toEqual([-2.25]);
    const into = new Float32Array(4).fill(9);
    expect(await opened.readInto('h', 1, into.subarray(1, 3))).toBe(true);
    expect([...into]).toEqual([9, -2, 65504, 9]);
    expect(await opened.readInto('h', 4, into.subarray(2))).toBe(false);
    expect([...into]).toEqual([9, -2, -0, Infinity]);
    await expect(opened.read('f', 1, 2)).rejects.toThrow(/2 elements in f; 1 to 3/);
    await expect(opened.read('f', 3)).rejects.toThrow(/2 elements in f; 3 to 2/);
    await expect(opened.readInto('f', -1, into)).rejects.toThrow(/-1 to 3/);
    await expect(opened.read('g')).rejects.toThrow(/no tensor g/);
    await opened.close();
  });

  it('refuses broken files before reading tensors, and names tensor and bytes', async () => {
    const path = join(folder, 'x.safetensors');
    const eight = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
    const four = { dtype: 'F32', shape: [1], data_offsets: [8, 12] };
    const raw = (header: object | string, bytes: number, length?: number | bigint) =>
      rawSafetensors(header, Buffer.alloc(bytes), length);
    const broken: [Buffer, RegExp][] = [
      [Buffer.alloc(3), /3 bytes/],
      [raw({ a: eight }, 8, 10 ** 6), /header of 1000000 bytes in a file of/],
      [raw({ a: eight }, 8, 2n ** 63n), /header of 9223372036854775808 bytes in a file of/],
      [raw('{"a": [', 8), /not JSON/],
      [raw('', 8), /not JSON/],
      [rawSafetensors(Buffer.from([0x7b, 0xff, 0x7d]), Buffer.alloc(0)), /not UTF-8/],
      [raw('[]', 8), /not an object/],
      [raw('null', 8), /not an object/],
      [raw({ a: eight }, 7), /truncated: a ends at byte \d+ of \d+/],
      [raw({ a: eight }, 9), /1 bytes after its last tensor, a/],
      [raw({}, 1), /1 bytes after its last tensor, the header/],
      [raw({ a: { ...eight, shape: [3] } }, 8), /a \[3\] 8 bytes instead of 12/],
      [raw({ a: { ...eight, dtype: 'I64', shape: [1] } }, 8), /holds a \[1\] as I64; F32, BF16, F16/],
      [raw({ a: { ...eight, data_offsets: [-4, 4] } }, 8), /describes a wrongly: data_offsets.0/],
      [raw({ a: { ...eight, data_offsets: [0, 8.5] } }, 8), /describes a wrongly: data_offsets.1/],
      [raw({ a: { ...eight, data_offsets: [0] } }, 8), /describes a wrongly: data_offsets/],
      [raw({ a: { ...eight, data_offsets: [8, 0] } }, 8), /a end at byte 0, before it begins at 8/],
      [raw({ a: { ...eight, shape: [-2] } }, 8), /describes a wrongly: shape.0/],
      [raw({ a: { ...eight, shape: [1.5] } }, 8), /describes a wrongly: shape.0/],
      [raw({ a: { ...eight, more: 1 } }, 8), /describes a wrongly/],
      [raw({ a: [eight] }, 8), /describes a wrongly/],
      [
        raw({ a: { ...eight, shape: [2 ** 40, 2 ** 40] } }, 8),
        /a an impossible shape \[1099511627776, 1099511627776\]/,
      ],
      [raw({ a: { ...eight, shape: [2 ** 52, 1] } }, 8), /impossible shape/],
      [
        raw({ a: eight, b: { ...four, data_offsets: [4, 8] } }, 8),
        /lets b overlap a: byte \d+ lies before \d+/,
      ],
      [raw({ a: eight, b: { ...eight } }, 8), /overlap/],
      [raw({ a: eight, b: { ...four, data_offsets: [12, 16] } }, 16), /gap of 4 bytes before b/],
      [raw({ b: four }, 12), /gap of 8 bytes before b/],
      [raw(`{"a": ${JSON.stringify(eight)}, "\\u0061": ${JSON.stringify(eight)}}`, 8), /two entries for a/],
      [
        raw('{"a": {"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}', 8),
        /two entries for dtype/,
      ],
    ];
    for (const [bytes, message] of broken) {
      await writeFile(path, bytes);
      await expect(SafetensorsFile.open(path), String(message)).rejects.toMatchObject({
        code: 'policy.bad-weights',
        message: expect.stringMatching(message) as unknown,
        fields: { path },
      });
    }
    await expect(SafetensorsFile.open(join(folder, 'none'))).rejects.toThrow(/none cannot be opened/);
  });

  it('accepts keys that only look alike, empty tensors and any order', async () => {
    const path = join(folder, 'x.safetensors');
    const one = (start: number) => ({ dtype: 'F32', shape: [1], data_offsets: [start, start + 4] });
    const header = {
      __metadata__: { format: 'pt', 'a"b': '{"c":' },
      'a"b': one(4),
      'a\\"b': one(0),
      none: { dtype: 'F16', shape: [0, 7], data_offsets: [4, 4] },
      shape: one(8),
    };
    await writeFile(
      path,
      rawSafetensors(`${JSON.stringify(header)}   `, Buffer.from(Float32Array.of(1, 2, 3).buffer)),
    );
    const opened = await SafetensorsFile.open(path);
    expect([...opened.tensors.keys()]).toEqual(['a\\"b', 'none', 'a"b', 'shape']);
    expect([...(await opened.read('a"b')), ...(await opened.read('none'))]).toEqual([2]);
    await opened.close();
  });
});

describe('writing', () => {
  it('returns what it wrote, past one slice, with equal bytes', async () => {
    const values = Float32Array.from({ length: 5_000_000 }, (_, i) => Math.sin(i));
    const tensors = [tensor('b', [5, 1_000_000], values), tensor('a', [], Float32Array.of(7))];
    const paths = ['1', '2'].map((name) => join(folder, name));
    await writeSafetensors(paths[0]!, tensors);
    await writeSafetensors(paths[1]!, [...tensors].reverse());
    expect((await readFile(paths[0]!)).equals(await readFile(paths[1]!))).toBe(true);
    const opened = await SafetensorsFile.open(paths[0]!);
    expect(Buffer.from((await opened.read('b')).buffer).equals(Buffer.from(values.buffer))).toBe(true);
    expect([...(await opened.read('a'))]).toEqual([7]);
    await opened.close();
  });

  it.each(['F16', 'BF16'] as const)('writes %s at half the size', async (dtype) => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => 1.5 + Math.sin(i) / 2);
    const path = join(folder, 'x.safetensors');
    await writeSafetensors(path, [tensor('a', [10, 100], values)], { dtype });
    const opened = await SafetensorsFile.open(path);
    expect(opened.tensors.get('a')).toMatchObject({ dtype, bytes: 2000 });
    const read = await opened.read('a');
    const worst = Math.max(...read.map((value, i) => Math.abs(value - values[i]!) / Math.abs(values[i]!)));
    // Half of the last place: 2^-11 and 2^-8 of the value.
    expect(worst).toBeLessThanOrEqual(dtype === 'F16' ? 2 ** -11 : 2 ** -8);
    expect(worst).toBeGreaterThan(dtype === 'F16' ? 2 ** -12 : 2 ** -9);
    await opened.close();
  });

  it('takes values in parts, which must fill the shape exactly', async () => {
    const inParts = (path: string, ...sizes: number[]) => {
      let next = 0;
      const values = async function* () {
        await Promise.resolve();
        for (const size of sizes) yield Float32Array.from({ length: size }, () => next++);
      };
      return writeSafetensors(join(folder, path), [{ name: 'a', shape: [2, 3], values }]);
    };
    await inParts('parts', 1, 0, 4, 1);
    await writeSafetensors(join(folder, 'whole'), [tensor('a', [2, 3], Float32Array.of(0, 1, 2, 3, 4, 5))]);
    expect((await readFile(join(folder, 'parts'))).equals(await readFile(join(folder, 'whole')))).toBe(true);
    await expect(inParts('short', 5)).rejects.toThrow(/5 values for \[2, 3\]/);
    await expect(inParts('long', 5, 2)).rejects.toThrow(/7 values for \[2, 3\]/);
  });

  it('refuses what cannot be held, and leaves the file before', async () => {
    const path = join(folder, 'x.safetensors');
    const write = (...args: Parameters<typeof tensor>) =>
      writeSafetensors(path, [tensor(...args)], { finite: true });
    await write('a', [2], Float32Array.of(1, 2));
    const before = await readFile(path);
    await expect(write('a', [3], new Float32Array(2))).rejects.toThrow(/hold a: 2 values for \[3\]/);
    await expect(write('a', [2], Float32Array.of(0, NaN))).rejects.toThrow(/hold a: .* not finite/);
    const large = [tensor('a', [2], Float32Array.of(0, -70000))];
    await expect(writeSafetensors(path, large, { dtype: 'F16' })).rejects.toThrow(
      /a as F16: -70000 is too large/,
    );
    const beyond = [tensor('a', [1], Float32Array.of(3.4e38))];
    await expect(writeSafetensors(path, beyond, { dtype: 'BF16' })).rejects.toThrow(
      /a as BF16: .* too large/,
    );
    const twice = [tensor('a', [1], Float32Array.of(0)), tensor('a', [1], Float32Array.of(0))];
    await expect(writeSafetensors(path, twice)).rejects.toThrow(/two tensors named a/);
    await expect(write('a', [2 ** 30, 2 ** 30], new Float32Array(1))).rejects.toThrow(
      /cannot hold a \[1073741824/,
    );
    const failing = [{ name: 'a', shape: [1], values: () => Promise.reject(new Error('no values')) }];
    await expect(writeSafetensors(path, failing)).rejects.toThrow('no values');
    expect((await readFile(path)).equals(before)).toBe(true);
    expect(await readdir(folder)).toEqual(['x.safetensors']);
  });

  it('gives a file its name only when it is whole', async () => {
    const path = join(folder, 'x.safetensors');
    const seen: string[][] = [];
    const values = async () => {
      seen.push(await readdir(folder));
      return Float32Array.of(1);
    };
    await writeSafetensors(path, [{ name: 'a', shape: [1], values }]);
    expect(seen).toEqual([['x.safetensors.partial']]);
    expect(await readdir(folder)).toEqual(['x.safetensors']);
    // Without finite, as for an optimizer's state, float32 is written as it is.
    await writeSafetensors(path, [tensor('a', [1], Float32Array.of(Infinity))]);
    const opened = await SafetensorsFile.open(path);
    expect([...(await opened.read('a'))]).toEqual([Infinity]);
    await opened.close();
  });
});
