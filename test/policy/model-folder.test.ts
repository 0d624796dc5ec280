import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { writeModelFolder } from '../../policy/model-folder-writer.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { writeSafetensors } from '../../policy/safetensors-writer.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import {
  editWeights,
  expectEqualWeights,
  INDEX,
  makePolicy,
  nativeTensors,
  readJson,
  saveFresh,
  tokenizer,
  writeJson,
} from './saved-model.js';
import { tinyConfig } from './tiny.js';

let backend: Backend;
let root: string;
let folder: string;
beforeAll(async () => {
  backend = await loadBackend();
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'model-'));
  folder = join(root, 'model');
});
afterEach(() => rm(root, { recursive: true }));

const save = (seed: number, options = {}) => saveFresh(backend, folder, seed, options);

describe('a model folder', () => {
  it('returns the model it was saved from, byte for byte', async () => {
    const policy = makePolicy(backend, 1);
    await policy.save(folder, tokenizer);
    const loaded = await Policy.load(backend, folder);
    expect(loaded.config).toEqual(tinyConfig);
    await expectEqualWeights(policy, loaded);
    const again = join(root, 'again');
    await loaded.save(again, await Tokenizer.load(folder));
    const names = [
      'chat_template.json',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ];
    expect((await readdir(folder)).sort()).toEqual(names);
    expect((await readdir(again)).sort()).toEqual(names);
    for (const name of names) {
      expect((await readFile(join(again, name))).equals(await readFile(join(folder, name))), name).toBe(true);
    }
    expect(await readJson(folder, 'config.json')).toMatchObject({ torch_dtype: 'float32' });
    policy.dispose();
    loaded.dispose();
  });

  it('fills parameters larger than a slice on the device, and leaves nothing there but them', async () => {
    // 140,001 rows of 32: one slice of 131,072 rows and a part of one.
    await save(2);
    const name = 'model.embed_tokens.weight';
    const shape = [140_001, 32];
    await editWeights(folder, { [name]: { shape, fill: (i) => i / 1024 } });
    await writeJson(folder, 'config.json', {
      ...(await readJson(folder, 'config.json')),
      vocab_size: shape[0],
    });
    const [tensors, natives, bytes] = [
      backend.tf.memory().numTensors,
      nativeTensors(backend),
      backend.memory(),
    ];
    const loaded = await Policy.load(backend, folder);
    const count = loaded.variables.size;
    expect(nativeTensors(backend)).toBe(natives + count);
    expect(backend.tf.memory().numTensors).toBe(tensors + count);
    const values = await loaded.variables.get(name)!.data();
    expect(values.length).toBe(140_001 * 32);
    expect(values.findIndex((value, i) => value !== Math.fround(i / 1024))).toBe(-1);
    loaded.dispose();
    expect([backend.tf.memory().numTensors, nativeTensors(backend), backend.memory()]).toEqual([
      tensors,
      natives,
      bytes,
    ]);
  });

  it('writes shards and bfloat16, and reads them', async () => {
    const policy = makePolicy(backend, 3);
    await policy.save(folder, tokenizer, { dtype: 'BF16', shardBytes: 20_000 });
    const names = (await readdir(folder)).filter((name) => name.startsWith('model'));
    expect(names).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
      INDEX,
    ]);
    const index = (await readJson(folder, INDEX)) as { metadata: object; weight_map: Record<string, string> };
    const elements = [...policy.variables.values()].reduce((sum, { size }) => sum + size, 0);
    expect(index.metadata).toEqual({ total_parameters: elements, total_size: 2 * elements });
    expect(Object.keys(index.weight_map).sort()).toEqual([...policy.variables.keys()].sort());
    expect(await readJson(folder, 'config.json')).toMatchObject({ torch_dtype: 'bfloat16' });
    const loaded = await Policy.load(backend, folder);
    for (const [name, variable] of policy.variables) {
      const [wanted, got] = [await variable.data(), await loaded.variables.get(name)!.data()];
      const worst = Math.max(
        ...wanted.map((value, i) => Math.abs(got[i]! - value) / Math.max(Math.abs(value), 1e-30)),
      );
      expect(worst, name).toBeLessThanOrEqual(2 ** -8);
    }
    // What is rounded already stays as it is.
    const again = join(root, 'again');
    await loaded.save(again, tokenizer, { dtype: 'BF16', shardBytes: 20_000 });
    for (const name of names) {
      expect((await readFile(join(again, name))).equals(await readFile(join(folder, name))), name).toBe(true);
    }
    policy.dispose();
    loaded.dispose();
  });

  it('replaces what the folder held, whole or not at all', async () => {
    const [first, second] = [makePolicy(backend, 4), makePolicy(backend, 5)];
    const expectModel = async (wanted: Policy) => {
      const loaded = await Policy.load(backend, folder);
      await expectEqualWeights(wanted, loaded);
      loaded.dispose();
    };
    for (const shardBytes of [40_000, 2 ** 30, 50_000, 40_000]) {
      for (const policy of [first, second]) {
        await policy.save(folder, tokenizer, { shardBytes });
        await expectModel(policy);
      }
    }
    // Ended while the weights are written, in the second of three files.
    const before = await readdir(folder);
    let asked = 0;
    const values = (name: string) => {
      if (++asked === 40) throw new Error('killed');
      return first.variables.get(name)!.data() as Promise<Float32Array>;
    };
    const model = { config: tinyConfig, origin: null, tokenizer, values };
    await expect(writeModelFolder(folder, model, { shardBytes: 40_000 })).rejects.toThrow('killed');
    const added = (await readdir(folder)).filter((name) => !before.includes(name));
    expect(added).toEqual(['model-00001-of-00003.safetensors.partial']);
    await expectModel(second);
    await first.save(folder, tokenizer);
    expect(await readdir(folder)).not.toContain(added[0]);
    await expectModel(first);
    // Ended later, when files change their names: no config, so no model.
    await rm(join(folder, 'config.json'));
    await expect(Policy.load(backend, folder)).rejects.toMatchObject({ code: 'policy.bad-model-folder' });
    first.dispose();
    second.dispose();
  });

  it('keeps what a pretrained folder says beside its weights', async () => {
    await save(6);
    const config = await readJson(folder, 'config.json');
    const { vision_config: vision, torch_dtype: dtype, ...text } = config;
    expect(dtype).toBe('float32');
    await writeJson(folder, 'config.json', {
      ...config,
      dtype: 'bfloat16',
      torch_dtype: undefined,
      transformers_version: '4.57.6',
      text_config: { ...text, dtype: 'bfloat16', use_cache: false },
      vision_config: { ...(vision as object), torch_dtype: 'bfloat16', own: [1] },
    });
    const own = {
      'generation_config.json': '{ "temperature": 0.000001 }',
      'preprocessor_config.json': '{"max_pixels": 1003520}',
      'video_preprocessor_config.json': '{"fps": 2}',
      LICENSE: 'terms',
      'tokenizer_config.json': '{"model_max_length": 131072, "chat_template": "{{ messages }}"}\n\n',
      'special_tokens_map.json': '{"eos_token": "<|im_end|>"}',
      'vocab.json': '{"a": 0}',
      'merges.txt': '#version: 0.2\n',
      'chat_template.jinja': '{{ messages }}',
    };
    for (const [name, text] of Object.entries(own)) await writeFile(join(folder, name), text);
    await rm(join(folder, 'chat_template.json'));
    await writeFile(join(folder, 'training_args.bin'), 'not of the model');
    const again = join(root, 'again');
    const loaded = await Policy.load(backend, folder);
    await loaded.save(again, await Tokenizer.load(folder), { dtype: 'F16' });
    loaded.dispose();
    const others = ['config.json', 'model.safetensors', 'tokenizer.json'];
    expect((await readdir(again)).sort()).toEqual([...Object.keys(own), ...others].sort());
    for (const [name, text] of Object.entries(own)) {
      expect(await readFile(join(again, name), 'utf8'), name).toBe(text);
    }
    const saved = JSON.parse(await readFile(join(again, 'config.json'), 'utf8')) as object;
    const wanted = JSON.stringify(await readJson(folder, 'config.json')).replaceAll('bfloat16', 'float16');
    expect(saved).toEqual(JSON.parse(wanted));
    expect(saved).toMatchObject({ dtype: 'float16', text_config: { dtype: 'float16', use_cache: false } });
  });

  it('reads sharded weights under the names of newer transformers', async () => {
    await save(7, { shardBytes: 40_000 });
    const wanted = await Policy.load(backend, folder);
    const newer = (name: string) =>
      name.startsWith('visual.') ? `model.${name}` : name.replace(/^model\./, 'model.language_model.');
    const index = (await readJson(folder, INDEX)) as { weight_map: Record<string, string> };
    for (const shard of new Set(Object.values(index.weight_map))) {
      const file = await SafetensorsFile.open(join(folder, shard));
      const tensors = await Promise.all(
        [...file.tensors].map(async ([name, { shape }]) => {
          const data = await file.read(name);
          return { name: newer(name), shape, values: () => Promise.resolve(data) };
        }),
      );
      await file.close();
      await writeSafetensors(join(folder, shard), tensors);
    }
    const map = Object.entries(index.weight_map).map(([name, shard]) => [newer(name), shard]);
    await writeJson(folder, INDEX, { metadata: {}, weight_map: Object.fromEntries(map) as object });
    const loaded = await Policy.load(backend, folder);
    await expectEqualWeights(wanted, loaded);
    wanted.dispose();
    loaded.dispose();
  });

  it('does not save what could not be loaded', async () => {
    const policy = makePolicy(backend, 8);
    const words = Array.from({ length: 60 }, (_, i) => `w${i}`).join(' ');
    await expect(policy.save(folder, trainWordTokenizer([words]))).rejects.toThrow(/vocabulary 40/);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
    const norm = policy.variables.get('model.norm.weight')!;
    const broken = backend.tf.fill([32], NaN);
    norm.assign(broken);
    await expect(policy.save(folder, tokenizer)).rejects.toThrow(/hold model.norm.weight: .* not finite/);
    expect(await readdir(folder)).toEqual([]);
    broken.dispose();
    policy.dispose();
  });

  it('starts equal models from equal keys, normal with the given deviation', async () => {
    const [a, b, c] = [makePolicy(backend, 9), makePolicy(backend, 9), makePolicy(backend, 10)];
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
