import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deriveKey } from '../../core/random.js';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { loadVariables } from '../../policy/load-variables.js';
import { readModelFolder } from '../../policy/model-folder.js';
import { writeModelFolder } from '../../policy/model-folder-writer.js';
import { nativeBackend } from '../../policy/native.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { writeSafetensors } from '../../policy/safetensors-writer.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
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

const INDEX = 'model.safetensors.index.json';
const tokenizer = trainWordTokenizer(['a model of nine words']);
const make = (seed: number) => Policy.initialise(backend, tinyConfig, deriveKey(seed, 'model'));

/** Saves a fresh model and frees it; about 43 KB of tensors. */
const save = async (seed: number, options = {}) => {
  const policy = make(seed);
  await policy.save(folder, tokenizer, options);
  policy.dispose();
};

const expectEqualWeights = async (a: Policy, b: Policy) => {
  expect([...a.variables.keys()]).toEqual([...b.variables.keys()]);
  for (const [name, variable] of a.variables) {
    expect(await b.variables.get(name)!.data(), name).toEqual(await variable.data());
  }
};

const readJson = async (name: string) =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>;
const writeJson = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));

interface Edit {
  readonly shape: readonly number[];
  /** Every value, or one by its place. */
  readonly fill: number | ((i: number) => number);
}
/** Adds, replaces or (null) leaves out tensors of a saved single-file model. */
const editWeights = async (edits: Readonly<Record<string, Edit | null>>) => {
  const path = join(folder, 'model.safetensors');
  const file = await SafetensorsFile.open(path);
  const tensors = await Promise.all(
    [...file.tensors].map(async ([name, { shape }]) => ({ name, shape, data: await file.read(name) })),
  );
  await file.close();
  const kept = tensors.filter(({ name }) => !(name in edits));
  for (const [name, edit] of Object.entries(edits)) {
    if (edit === null) continue;
    const data = new Float32Array(edit.shape.reduce((a, b) => a * b, 1));
    const { fill } = edit;
    for (let i = 0; i < data.length; i++) data[i] = typeof fill === 'number' ? fill : fill(i);
    kept.push({ name, shape: edit.shape, data });
  }
  await writeSafetensors(
    path,
    kept.map(({ name, shape, data }) => ({ name, shape, values: () => Promise.resolve(data) })),
  );
};

const nativeTensors = (): number => {
  const native = nativeBackend(backend);
  if (native === null) throw new Error('this test needs the native library');
  return (native.binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
};

describe('a model folder', () => {
  it('returns the model it was saved from, byte for byte', async () => {
    const policy = make(1);
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
    expect(await readJson('config.json')).toMatchObject({ torch_dtype: 'float32' });
    policy.dispose();
    loaded.dispose();
  });

  it('fills parameters larger than a slice on the device, and leaves nothing there but them', async () => {
    // 140,001 rows of 32: one slice of 131,072 rows and a part of one.
    await save(2);
    const name = 'model.embed_tokens.weight';
    const shape = [140_001, 32];
    await editWeights({ [name]: { shape, fill: (i) => i / 1024 } });
    await writeJson('config.json', { ...(await readJson('config.json')), vocab_size: shape[0] });
    const [tensors, natives, bytes] = [backend.tf.memory().numTensors, nativeTensors(), backend.memory()];
    const loaded = await Policy.load(backend, folder);
    const count = loaded.variables.size;
    expect(nativeTensors()).toBe(natives + count);
    expect(backend.tf.memory().numTensors).toBe(tensors + count);
    const values = await loaded.variables.get(name)!.data();
    expect(values.length).toBe(140_001 * 32);
    expect(values.findIndex((value, i) => value !== Math.fround(i / 1024))).toBe(-1);
    loaded.dispose();
    expect([backend.tf.memory().numTensors, nativeTensors(), backend.memory()]).toEqual([
      tensors,
      natives,
      bytes,
    ]);
  });

  it('writes shards and bfloat16, and reads them', async () => {
    const policy = make(3);
    await policy.save(folder, tokenizer, { dtype: 'BF16', shardBytes: 20_000 });
    const names = (await readdir(folder)).filter((name) => name.startsWith('model'));
    expect(names).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
      INDEX,
    ]);
    const index = (await readJson(INDEX)) as { metadata: object; weight_map: Record<string, string> };
    const elements = [...policy.variables.values()].reduce((sum, { size }) => sum + size, 0);
    expect(index.metadata).toEqual({ total_parameters: elements, total_size: 2 * elements });
    expect(Object.keys(index.weight_map).sort()).toEqual([...policy.variables.keys()].sort());
    expect(await readJson('config.json')).toMatchObject({ torch_dtype: 'bfloat16' });
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
    const [first, second] = [make(4), make(5)];
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
    const config = await readJson('config.json');
    const { vision_config: vision, torch_dtype: dtype, ...text } = config;
    expect(dtype).toBe('float32');
    await writeJson('config.json', {
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
    const wanted = JSON.stringify(await readJson('config.json')).replaceAll('bfloat16', 'float16');
    expect(saved).toEqual(JSON.parse(wanted));
    expect(saved).toMatchObject({ dtype: 'float16', text_config: { dtype: 'float16', use_cache: false } });
  });

  it('reads sharded weights under the names of newer transformers', async () => {
    await save(7, { shardBytes: 40_000 });
    const wanted = await Policy.load(backend, folder);
    const newer = (name: string) =>
      name.startsWith('visual.') ? `model.${name}` : name.replace(/^model\./, 'model.language_model.');
    const index = (await readJson(INDEX)) as { weight_map: Record<string, string> };
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
    await writeJson(INDEX, { metadata: {}, weight_map: Object.fromEntries(map) as object });
    const loaded = await Policy.load(backend, folder);
    await expectEqualWeights(wanted, loaded);
    wanted.dispose();
    loaded.dispose();
  });

  it('does not save what could not be loaded', async () => {
    const policy = make(8);
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
    const [a, b, c] = [make(9), make(9), make(10)];
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

describe('a model folder that is refused', () => {
  const refused = async (message: RegExp, code = 'policy.bad-weights') => {
    const counts = () => [backend.tf.memory().numTensors, nativeTensors()];
    const before = counts();
    await expect(Policy.load(backend, folder), String(message)).rejects.toMatchObject({
      code,
      retryable: false,
      message: expect.stringMatching(message) as unknown,
    });
    expect(counts()).toEqual(before);
  };

  it('names the tensor and both shapes when weights and config differ', async () => {
    await save(1);
    const config = await readJson('config.json');
    await writeJson('config.json', { ...config, vocab_size: 41 });
    await refused(/model.embed_tokens.weight is \[40, 32\]; the config asks for \[41, 32\]/);
    await writeJson('config.json', { ...config, tie_word_embeddings: false });
    await refused(/lm_head.weight is missing; the config asks for \[40, 32\]/);
    await writeJson('config.json', { ...config, quantization_config: { quant_method: 'awq' } });
    await refused(/holds quantized weights/, 'policy.bad-model-folder');
    await copyFile(join(folder, 'tokenizer.json'), join(folder, 'config.json'));
    await refused(/config.json: model_type/, 'policy.bad-config');
    await writeFile(join(folder, 'config.json'), '{');
    await refused(/config.json is not JSON/, 'policy.bad-model-folder');
  });

  it('ignores tensors that follow from the rest, and no others', async () => {
    await save(2);
    const harmless = {
      'visual.rotary_pos_emb.inv_freq': { shape: [2], fill: 1 },
      'model.layers.1.self_attn.rotary_emb.inv_freq': { shape: [4], fill: 1 },
      'lm_head.weight': { shape: [40, 32], fill: 1 },
    };
    await editWeights(harmless);
    (await Policy.load(backend, folder)).dispose();
    await editWeights({ 'model.layers.2.input_layernorm.weight': { shape: [32], fill: 1 } });
    await refused(/does not have: model.layers.2.input_layernorm.weight \[32\]/);
    const more = ['a', 'b', 'c'].map((name) => [`model.${name}`, { shape: [1], fill: 0 }]);
    await editWeights(Object.fromEntries(more) as Record<string, Edit>);
    await refused(/model.a \[1\].* and 1 more/);
    // An untied model has a head of its own.
    await writeJson('config.json', { ...(await readJson('config.json')), tie_word_embeddings: false });
    await editWeights({ 'lm_head.weight': null });
    await refused(/lm_head.weight is missing/);
  });

  it('names a value that is not finite', async () => {
    await save(3);
    await editWeights({ 'model.norm.weight': { shape: [32], fill: Infinity } });
    await refused(/model.norm.weight has a value that is not finite .* element 0/);
  });

  it('notices a file that is cut off while it is read', async () => {
    await save(4);
    const path = join(folder, 'model.safetensors');
    const model = await readModelFolder(folder);
    await truncate(path, 3000);
    await expect(loadVariables(backend, model)).rejects.toThrow(/model.safetensors ends before byte \d+/);
    await model.close();
    await refused(/model.safetensors .*(truncated|header of)/);
    await rm(path);
    await refused(/has no model.safetensors and no model.safetensors.index.json/, 'policy.bad-model-folder');
  });

  it('compares the index with the shards', async () => {
    const bad = (message: RegExp) => refused(message, 'policy.bad-model-folder');
    await save(5, { shardBytes: 40_000 });
    const index = (await readJson(INDEX)) as { weight_map: Record<string, string> };
    const map = index.weight_map;
    const withMap = (changes: Record<string, string | undefined>) =>
      writeJson(INDEX, { ...index, weight_map: { ...map, ...changes } });
    const [one, two, three] = [1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors`);
    const norm = 'model.norm.weight';
    expect(map[norm]).toBe(three);

    await withMap({ 'model.other.weight': two! });
    await bad(
      /index.json says that model.other.weight lies in model-00002-of-00003.safetensors, which lacks it/,
    );
    await withMap({ [norm]: undefined });
    await bad(/does not list model.norm.weight, which lies in model-00003/);
    await withMap({ [norm]: one! });
    await bad(/model.norm.weight lies in model-00001-of-00003.safetensors, which lacks it/);
    await withMap({ a: 'model-00004-of-00003.safetensors' });
    await bad(/has no model-00004-of-00003.safetensors/);
    await copyFile(join(folder, one!), join(folder, 'model-00004-of-00003.safetensors'));
    const copied = Object.keys(map).filter((name) => map[name] === one);
    await withMap({ [`model.${copied[0]!}`]: 'model-00004-of-00003.safetensors' });
    await bad(/twice: visual.* in .*model-00001-of-00003.safetensors, visual.* in .*model-00004/);

    for (const wrong of [{}, { weight_map: {} }, { weight_map: { a: 1 } }, []]) {
      await writeJson(INDEX, wrong);
      await bad(/not an index/);
    }
    await writeFile(join(folder, INDEX), '{"weight_map"');
    await bad(/index.json is not JSON/);
    await copyFile(join(folder, one!), join(folder, 'model.safetensors'));
    await bad(/has both model.safetensors and model.safetensors.index.json/);
  });

  it('reads no file outside the folder', async () => {
    const bad = (message: RegExp) => refused(message, 'policy.bad-model-folder');
    await save(6, { shardBytes: 40_000 });
    const index = (await readJson(INDEX)) as { weight_map: Record<string, string> };
    const outside = join(root, 'outside.safetensors');
    await copyFile(join(folder, 'model-00001-of-00003.safetensors'), outside);
    await mkdir(join(folder, 'inner.safetensors'));
    for (const shard of [
      '../outside.safetensors',
      outside,
      './x.safetensors',
      'a\\x.safetensors',
      'a\0.safetensors',
    ]) {
      await writeJson(INDEX, { weight_map: { a: shard } });
      await bad(/is no file of the folder/);
    }
    await writeJson(INDEX, { weight_map: { a: 'notes.txt' } });
    await bad(/puts a into notes.txt, which is no safetensors file/);
    await writeJson(INDEX, { weight_map: { a: 'inner.safetensors' } });
    await bad(/inner.safetensors is no file$/);
    await writeJson(INDEX, index);
    const shard = join(folder, 'model-00001-of-00003.safetensors');
    await rm(shard);
    await symlink(outside, shard);
    await bad(/model-00001-of-00003.safetensors is a link to .*outside.safetensors, out of its folder/);
    // Files that would be taken over into what is saved and published.
    await rm(shard);
    await rename(outside, shard);
    await writeFile(join(root, 'secret'), 'x');
    await symlink(join(root, 'secret'), join(folder, 'NOTICE'));
    await bad(/NOTICE is a link/);
    await rm(join(folder, 'NOTICE'));
    await symlink(join(root, 'secret'), join(folder, 'merges.txt'));
    await expect(Tokenizer.load(folder)).rejects.toThrow(/merges.txt is a link/);
    folder = join(root, 'none');
    await bad(/there is no folder/);
  });

  it('but links as in the download cache of Hugging Face are followed', async () => {
    await save(7);
    const [blobs, snapshot] = [join(root, 'cache', 'blobs'), join(root, 'cache', 'snapshots', 'abc')];
    await cp(folder, blobs, { recursive: true });
    await mkdir(snapshot, { recursive: true });
    for (const name of await readdir(blobs))
      await symlink(join('..', '..', 'blobs', name), join(snapshot, name));
    (await Policy.load(backend, snapshot)).dispose();
    expect((await Tokenizer.load(snapshot)).size).toBe(tokenizer.size);
  });
});
