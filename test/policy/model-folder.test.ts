import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deriveKey } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile, writeSafetensors } from '../../policy/safetensors.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import { tinyConfig } from './tiny.js';

let backend: Backend;
let folder: string;
beforeAll(async () => {
  backend = await loadBackend();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-'));
});
afterEach(() => rm(folder, { recursive: true }));

const tokenizer = trainWordTokenizer(['a model of nine words']);

/** Bytes of a safetensors file with a header written by hand. */
const file = (header: object | string, data: Uint8Array, length?: number): Buffer => {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length ?? text.length));
  return Buffer.concat([prefix, text, data]);
};

describe('safetensors', () => {
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
    await writeFile(path, file(header, Buffer.concat(bytes)));
    const opened = await SafetensorsFile.open(path);
    expect([...(await opened.read('h'))]).toEqual([1, -2, 65504, 2 ** -24, -0, Infinity]);
    expect([...(await opened.read('b'))]).toEqual([1, -3.140625, 0]);
    expect([...(await opened.read('f', 1, 1))]).toEqual([-2.25]);
    await expect(opened.read('f', 1, 2)).rejects.toThrow(/f has 2 elements; 1 to 3/);
    await expect(opened.read('g')).rejects.toThrow(/no tensor g/);
    await opened.close();
  });

  it('returns what it wrote, past one slice, with equal bytes', async () => {
    const values = Float32Array.from({ length: 5_000_000 }, (_, i) => Math.fround(Math.sin(i)));
    const tensors = [
      { name: 'b', shape: [5, 1_000_000], values: () => Promise.resolve(values) },
      { name: 'a', shape: [], values: () => Promise.resolve(Float32Array.of(7)) },
    ];
    const paths = ['1', '2'].map((name) => join(folder, name));
    await writeSafetensors(paths[0]!, tensors);
    await writeSafetensors(paths[1]!, [...tensors].reverse());
    expect((await readFile(paths[0]!)).equals(await readFile(paths[1]!))).toBe(true);
    const opened = await SafetensorsFile.open(paths[0]!);
    expect(Buffer.from((await opened.read('b')).buffer).equals(Buffer.from(values.buffer))).toBe(true);
    expect([...(await opened.read('a'))]).toEqual([7]);
    await opened.close();
    const short = [{ name: 'a', shape: [3], values: () => Promise.resolve(new Float32Array(2)) }];
    await expect(writeSafetensors(paths[0]!, short)).rejects.toThrow(/2 values for \[3\]/);
  });

  it('refuses broken files before reading tensors', async () => {
    const path = join(folder, 'x.safetensors');
    const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
    const broken: [Buffer, RegExp][] = [
      [Buffer.alloc(3), /3 bytes/],
      [file({ a: entry }, Buffer.alloc(8), 10 ** 6), /header of 1000000 bytes in a file of/],
      [file('{"a": [', Buffer.alloc(8)), /not JSON/],
      [file('[]', Buffer.alloc(8)), /not an object/],
      [file({ a: entry }, Buffer.alloc(7)), /truncated: a ends/],
      [file({ a: { ...entry, shape: [3] } }, Buffer.alloc(8)), /a \[3\] 8 bytes instead of 12/],
      [file({ a: { ...entry, dtype: 'I64', shape: [1] } }, Buffer.alloc(8)), /a as I64/],
      [file({ a: { ...entry, data_offsets: [-4, 4] } }, Buffer.alloc(8)), /describes a wrongly/],
    ];
    for (const [bytes, message] of broken) {
      await writeFile(path, bytes);
      await expect(SafetensorsFile.open(path)).rejects.toThrow(message);
    }
    await expect(SafetensorsFile.open(join(folder, 'none'))).rejects.toThrow(/cannot be opened/);
  });
});

describe('a model folder', () => {
  const make = (seed: number) => Policy.initialise(backend, tinyConfig, deriveKey(seed, 'model'));

  it('returns the model it was saved from, byte for byte', async () => {
    const policy = make(1);
    await policy.save(folder, tokenizer);
    const loaded = await Policy.load(backend, folder);
    expect(loaded.config).toEqual(tinyConfig);
    expect([...loaded.variables.keys()]).toEqual([...policy.variables.keys()]);
    for (const [name, variable] of policy.variables) {
      expect(await loaded.variables.get(name)!.data()).toEqual(await variable.data());
    }
    const again = await mkdtemp(join(tmpdir(), 'model-'));
    await loaded.save(again, tokenizer);
    const written = [
      'model.safetensors',
      'config.json',
      'generation_config.json',
      'preprocessor_config.json',
    ];
    for (const name of [...written, 'tokenizer.json', 'tokenizer_config.json']) {
      expect((await readFile(join(again, name))).equals(await readFile(join(folder, name))), name).toBe(true);
    }
    await rm(again, { recursive: true });
    policy.dispose();
    loaded.dispose();
  });

  it('reads sharded weights under the names of newer transformers', async () => {
    const policy = make(2);
    await policy.save(folder, tokenizer);
    const names = [...policy.variables.keys()];
    const newer = (name: string) =>
      name.startsWith('visual.') ? `model.${name}` : name.replace(/^model\./, 'model.language_model.');
    const map: Record<string, string> = {};
    for (const part of [0, 1]) {
      const shard = `model-0000${part + 1}-of-00002.safetensors`;
      const mine = names.filter((_, i) => i % 2 === part);
      for (const name of mine) map[newer(name)] = shard;
      const tensors = mine.map((name) => {
        const variable = policy.variables.get(name)!;
        return {
          name: newer(name),
          shape: variable.shape,
          values: () => variable.data() as Promise<Float32Array>,
        };
      });
      await writeSafetensors(join(folder, shard), tensors);
    }
    await rm(join(folder, 'model.safetensors'));
    const index = join(folder, 'model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ metadata: {}, weight_map: map }));
    const loaded = await Policy.load(backend, folder);
    for (const name of names) {
      expect(await loaded.variables.get(name)!.data()).toEqual(await policy.variables.get(name)!.data());
    }
    for (const shard of ['../model.safetensors', '/etc/passwd', 'notes.txt']) {
      await writeFile(index, JSON.stringify({ weight_map: { a: shard } }));
      await expect(Policy.load(backend, folder)).rejects.toThrow(/no file of the folder/);
    }
    await writeFile(index, '{}');
    await expect(Policy.load(backend, folder)).rejects.toThrow(/not an index/);
    policy.dispose();
    loaded.dispose();
  });

  it('names the tensor and both shapes on a mismatch, and frees what it had read', async () => {
    const policy = make(3);
    await policy.save(folder, tokenizer);
    policy.dispose();
    const before = backend.tf.memory().numTensors;
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, vocab_size: 41 }));
    await expect(Policy.load(backend, folder)).rejects.toThrow(
      /model.embed_tokens.weight is \[40, 32\]; the config asks for \[41, 32\]/,
    );
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, tie_word_embeddings: false }));
    await expect(Policy.load(backend, folder)).rejects.toThrow(/lm_head.weight is missing/);
    await copyFile(join(folder, 'tokenizer.json'), join(folder, 'config.json'));
    await expect(Policy.load(backend, folder)).rejects.toThrow(/config.json: model_type/);
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it('does not save a tokenizer that the embedding cannot serve', async () => {
    const policy = make(4);
    const words = Array.from({ length: 60 }, (_, i) => `w${i}`).join(' ');
    await expect(policy.save(folder, trainWordTokenizer([words]))).rejects.toThrow(/vocabulary 40/);
    policy.dispose();
  });

  it('starts equal models from equal keys, normal with the given deviation', async () => {
    const [a, b, c] = [make(5), make(5), make(6)];
    const name = 'model.layers.0.mlp.gate_proj.weight';
    const values = await a.variables.get(name)!.data();
    expect(await b.variables.get(name)!.data()).toEqual(values);
    expect(await c.variables.get(name)!.data()).not.toEqual(values);
    const deviation = Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(Math.abs(deviation - 0.3)).toBeLessThan(0.03);
    expect([...(await a.variables.get('model.norm.weight')!.data())]).toEqual(new Array(32).fill(1));
    for (const policy of [a, b, c]) policy.dispose();
  });
});
