import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadBackend, type Backend } from '../../policy/backend.js';
import { loadVariables } from '../../policy/load-variables.js';
import { readModelFolder } from '../../policy/model-folder.js';
import { Policy } from '../../policy/policy.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import {
  editWeights,
  INDEX,
  nativeTensors,
  readJson,
  saveFresh,
  tokenizer,
  writeJson,
  type Edit,
} from './saved-model.js';

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

describe('a model folder that is refused', () => {
  const refused = async (message: RegExp, code = 'policy.bad-weights') => {
    const counts = () => [backend.tf.memory().numTensors, nativeTensors(backend)];
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
    const config = await readJson(folder, 'config.json');
    await writeJson(folder, 'config.json', { ...config, vocab_size: 41 });
    await refused(/model.embed_tokens.weight is \[40, 32\]; the config asks for \[41, 32\]/);
    await writeJson(folder, 'config.json', { ...config, tie_word_embeddings: false });
    await refused(/lm_head.weight is missing; the config asks for \[40, 32\]/);
    await writeJson(folder, 'config.json', { ...config, quantization_config: { quant_method: 'awq' } });
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
    await editWeights(folder, harmless);
    (await Policy.load(backend, folder)).dispose();
    await editWeights(folder, { 'model.layers.2.input_layernorm.weight': { shape: [32], fill: 1 } });
    await refused(/does not have: model.layers.2.input_layernorm.weight \[32\]/);
    const more = ['a', 'b', 'c'].map((name) => [`model.${name}`, { shape: [1], fill: 0 }]);
    await editWeights(folder, Object.fromEntries(more) as Record<string, Edit>);
    await refused(/model.a \[1\].* and 1 more/);
    // An untied model has a head of its own.
    await writeJson(folder, 'config.json', {
      ...(await readJson(folder, 'config.json')),
      tie_word_embeddings: false,
    });
    await editWeights(folder, { 'lm_head.weight': null });
    await refused(/lm_head.weight is missing/);
  });

  it('names a value that is not finite', async () => {
    await save(3);
    await editWeights(folder, { 'model.norm.weight': { shape: [32], fill: Infinity } });
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
    const index = (await readJson(folder, INDEX)) as { weight_map: Record<string, string> };
    const map = index.weight_map;
    const withMap = (changes: Record<string, string | undefined>) =>
      writeJson(folder, INDEX, { ...index, weight_map: { ...map, ...changes } });
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
      await writeJson(folder, INDEX, wrong);
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
    const index = (await readJson(folder, INDEX)) as { weight_map: Record<string, string> };
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
      await writeJson(folder, INDEX, { weight_map: { a: shard } });
      await bad(/is no file of the folder/);
    }
    await writeJson(folder, INDEX, { weight_map: { a: 'notes.txt' } });
    await bad(/puts a into notes.txt, which is no safetensors file/);
    await writeJson(folder, INDEX, { weight_map: { a: 'inner.safetensors' } });
    await bad(/inner.safetensors is no file$/);
    await writeJson(folder, INDEX, index);
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
