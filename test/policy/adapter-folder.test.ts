import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import { readAdapterFolder, writeAdapterFolder } from '../../policy/adapter-folder.js';
import { loraTargets } from '../../policy/lora.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { writeSafetensors } from '../../policy/safetensors-writer.js';
import { tinyConfig } from './tiny.js';

/** Written by peft 0.18, see scripts/fixtures/peft_adapter.py: matrix m holds its element i as i / 64 + m, by name. */
const fixtures = join(packageRoot, 'test/fixtures/peft');
const untied = { ...tinyConfig, tieWordEmbeddings: false };
const PREFIX = 'base_model.model.model.language_model.';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adapter-'));
});
afterEach(() => rm(folder, { recursive: true }));

const weights = () => join(folder, 'adapter_model.safetensors');
const start = (name: string) => cp(join(fixtures, name), folder, { recursive: true });
const readConfig = async (path = folder) =>
  JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
const changeConfig = async (changes: object) =>
  writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...(await readConfig()), ...changes }));

/** Renames tensors (null leaves one out), and adds some. */
const editWeights = async (
  rename: (name: string) => string | null,
  more: { name: string; shape: number[]; fill?: number }[] = [],
) => {
  const file = await SafetensorsFile.open(weights());
  const tensors = [];
  for (const [name, { shape }] of file.tensors) {
    const data = await file.read(name);
    const renamed = rename(name);
    if (renamed !== null) tensors.push({ name: renamed, shape, values: () => Promise.resolve(data) });
  }
  await file.close();
  for (const { name, shape, fill = 0 } of more) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill);
    tensors.push({ name, shape, values: () => Promise.resolve(data) });
  }
  await writeSafetensors(weights(), tensors);
};
const keep = (name: string) => name;

describe('an adapter folder of peft', () => {
  it('is read with its configuration and values', async () => {
    const adapter = await readAdapterFolder(join(fixtures, 'suffixes'), tinyConfig);
    expect(adapter.config).toEqual({
      rank: 4,
      alpha: 8,
      dropout: 0.05,
      targets: ['q_proj', 'qkv', 'v_proj'],
    });
    expect(adapter.baseModel).toBe('tiny');
    expect([...adapter.layers.keys()]).toEqual([
      'visual.blocks.0.attn.qkv',
      'visual.blocks.1.attn.qkv',
      'model.layers.0.self_attn.q_proj',
      'model.layers.0.self_attn.v_proj',
      'model.layers.1.self_attn.q_proj',
      'model.layers.1.self_attn.v_proj',
    ]);
    // Names sort text before vision: q and v of two layers are matrices 0 to 7.
    const ramp = (length: number, at: number) => Float32Array.from({ length }, (_, i) => i / 64 + at);
    expect(adapter.layers.get('model.layers.0.self_attn.q_proj')).toEqual({
      a: ramp(4 * 32, 0),
      b: ramp(32 * 4, 1),
    });
    expect(adapter.layers.get('model.layers.1.self_attn.v_proj')).toEqual({
      a: ramp(4 * 32, 6),
      b: ramp(16 * 4, 7),
    });
    expect(adapter.layers.get('visual.blocks.1.attn.qkv')).toEqual({
      a: ramp(4 * 16, 10),
      b: ramp(48 * 4, 11),
    });
  });

  it.each([
    ['suffixes', tinyConfig],
    ['all-linear', tinyConfig],
    ['pattern', untied],
  ] as const)('is written as peft wrote it: %s', async (name, policy) => {
    const source = join(fixtures, name);
    const adapter = await readAdapterFolder(source, policy);
    expect([...adapter.layers.keys()]).toEqual(loraTargets(policy, adapter.config.targets));
    await writeAdapterFolder(folder, policy, { ...adapter, baseModel: 'tiny' });
    expect((await readdir(folder)).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const [wanted, got] = [await readConfig(source), await readConfig()];
    expect(Object.keys(got)).toEqual(Object.keys(wanted));
    if (name === 'pattern') {
      expect(got).toEqual({ ...wanted, target_modules: expect.anything() as unknown });
    } else {
      const sorted = [...(wanted['target_modules'] as string[])].sort();
      expect({ ...got, target_modules: [...(got['target_modules'] as string[])].sort() }).toEqual({
        ...wanted,
        target_modules: sorted,
      });
      expect(
        (await readFile(weights())).equals(await readFile(join(source, 'adapter_model.safetensors'))),
      ).toBe(true);
    }
    const again = await readAdapterFolder(folder, policy);
    expect(again.layers).toEqual(adapter.layers);
    expect(loraTargets(policy, again.config.targets)).toEqual([...adapter.layers.keys()]);
  });

  it('names as targets what selects exactly its layers', async () => {
    const targetsFor = async (targets: string[] | string, policy = tinyConfig) => {
      const layers = new Map(
        loraTargets(policy, targets).map((linear) => {
          const [out, inner] = linear.endsWith('down_proj') ? [32, 24] : [24, 32];
          return [linear, { a: new Float32Array(inner), b: new Float32Array(out) }];
        }),
      );
      const config = { rank: 1, alpha: 1, dropout: 0, targets };
      await writeAdapterFolder(folder, policy, { config, layers, baseModel: 'tiny' });
      return (await readConfig())['target_modules'];
    };
    const deep = { ...tinyConfig, layers: 3 };
    expect(await targetsFor(String.raw`.*language_model.*\.gate_proj`)).toEqual([
      'layers.0.mlp.gate_proj',
      'layers.1.mlp.gate_proj',
    ]);
    expect(await targetsFor(['layers.1.mlp.down_proj'], deep)).toEqual(['layers.1.mlp.down_proj']);
    expect(await targetsFor(['layers.2.mlp.down_proj', 'layers.2.mlp.up_proj'], deep)).toEqual([
      '2.mlp.down_proj',
      '2.mlp.up_proj',
    ]);
  });

  it('may be in bfloat16', async () => {
    const adapter = await readAdapterFolder(join(fixtures, 'suffixes'), tinyConfig);
    await writeAdapterFolder(folder, tinyConfig, { ...adapter, baseModel: 'tiny' }, { dtype: 'BF16' });
    const file = await SafetensorsFile.open(weights());
    expect(new Set([...file.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
    await file.close();
    const { a } = (await readAdapterFolder(folder, tinyConfig)).layers.get(
      'model.layers.0.self_attn.q_proj',
    )!;
    expect([...a.subarray(0, 3)]).toEqual([0, 1 / 64, 2 / 64]);
  });

  it.each([
    [
      'before transformers 4.52',
      (name: string) => name.replace('.language_model.', '.').replace('.model.visual.', '.visual.'),
    ],
    ['as a state of the wrapped model', (name: string) => name.replace('.weight', '.default.weight')],
    ['without peft’s prefix', (name: string) => name.replace('base_model.model.', '')],
  ])('is read with the names of tensors %s', async (_, rename) => {
    const wanted = await readAdapterFolder(join(fixtures, 'suffixes'), tinyConfig);
    await start('suffixes');
    await editWeights(rename);
    expect(await readAdapterFolder(folder, tinyConfig)).toEqual(wanted);
  });

  it('may be narrowed down by further options or a pattern of another version', async () => {
    await start('suffixes');
    await editWeights((name) => (/visual|layers\.1/.test(name) ? null : name));
    await changeConfig({ layers_to_transform: [0], exclude_modules: '.*visual.*' });
    const first = ['0.self_attn.q_proj', '0.self_attn.v_proj'].map((name) => `model.layers.${name}`);
    const check = async () => {
      const adapter = await readAdapterFolder(folder, tinyConfig);
      expect([...adapter.layers.keys()]).toEqual(first);
      expect(loraTargets(tinyConfig, adapter.config.targets)).toEqual(first);
    };
    await check();
    for (const pattern of [
      String.raw`model\.layers\.0\.self_attn\.[qv]_proj`,
      '(?P<part>.*)[qv]_proj',
      '.*_proj',
    ]) {
      await changeConfig({ layers_to_transform: null, exclude_modules: null, target_modules: pattern });
      await check();
    }
  });
});

describe('an adapter folder that is refused', () => {
  const refused = async (message: RegExp, code = 'policy.bad-adapter') => {
    await expect(readAdapterFolder(folder, tinyConfig), String(message)).rejects.toMatchObject({
      code,
      retryable: false,
      message: expect.stringMatching(message) as unknown,
    });
  };

  it('because of options that change what is computed', async () => {
    await start('suffixes');
    const options: [object, RegExp][] = [
      [{ peft_type: 'LOHA' }, /has peft_type "LOHA"; adapters with peft_type "LORA" can be used/],
      [{ use_dora: true }, /has use_dora true; adapters with use_dora false/],
      [{ use_rslora: true }, /use_rslora true/],
      [{ bias: 'lora_only' }, /bias "lora_only"; adapters with bias "none"/],
      [{ lora_bias: true }, /lora_bias true/],
      [{ rank_pattern: { q_proj: 8 } }, /rank_pattern \{"q_proj":8\}; adapters with rank_pattern \{\}/],
      [{ alpha_pattern: { q_proj: 8 } }, /alpha_pattern/],
      [{ modules_to_save: ['lm_head'] }, /modules_to_save \["lm_head"\]; adapters with modules_to_save null/],
      [{ layer_replication: [[0, 2]] }, /layer_replication/],
      [{ trainable_token_indices: [1] }, /trainable_token_indices/],
      [{ init_lora_weights: 'pissa_niter_4' }, /init_lora_weights "pissa_niter_4", which changes the base/],
      [{ r: 0 }, /no LoRA configuration: r:/],
      [{ r: undefined }, /no LoRA configuration: r:/],
      [{ lora_alpha: 'x' }, /no LoRA configuration: lora_alpha:/],
      [{ lora_dropout: 1 }, /no LoRA configuration: lora_dropout:/],
      [{ target_modules: null }, /no LoRA configuration: target_modules:/],
    ];
    const before = await readConfig();
    for (const [change, message] of options) {
      await changeConfig(change);
      await refused(message);
      await changeConfig(before);
    }
    // What says the same in other words, or matters only before training.
    await changeConfig({
      modules_to_save: [],
      rank_pattern: null,
      use_dora: undefined,
      init_lora_weights: 'gaussian',
    });
    expect((await readAdapterFolder(folder, tinyConfig)).layers.size).toBe(6);
  });

  it('because tensors do not fit the model, the rank or the targets', async () => {
    const q = `${PREFIX}layers.0.self_attn.q_proj.lora_A.weight`;
    const other = (name: string) => (name === q ? null : name);
    await start('suffixes');
    await changeConfig({ r: 8 });
    await refused(/q_proj.lora_A.weight as \[4, 32\]; the model and r 8 ask for \[8, 32\]/);
    await changeConfig({ r: 4, target_modules: ['q_proj', 'qkv'] });
    await refused(/\[q_proj, qkv\], which do not select model.layers.0.self_attn.v_proj; .* holds it/);
    await changeConfig({ target_modules: ['q_proj', 'v_proj', 'qkv', 'o_proj'] });
    await refused(/select model.layers.0.self_attn.o_proj; adapter_model.safetensors lacks it/);
    await changeConfig({ target_modules: ['c_attn'] });
    await refused(/c_attn.* select no linear layer/, 'policy.bad-lora');
    await changeConfig({ target_modules: ['q_proj', 'v_proj', 'qkv'] });

    await editWeights(other, [{ name: q, shape: [4, 31] }]);
    await refused(/q_proj.lora_A.weight as \[4, 31\]; .* ask for \[4, 32\]/);
    await editWeights(other, [{ name: q, shape: [4, 32, 1] }]);
    await refused(/as \[4, 32, 1\]/);
    await editWeights(other, [{ name: q, shape: [4, 32], fill: NaN }]);
    await refused(/layers.0.self_attn.q_proj.lora_A.weight that is not finite/);
    await editWeights(other);
    await refused(/q_proj.lora_B.weight without the other matrix of model.layers.0.self_attn.q_proj/);
    await editWeights(keep, [
      { name: q, shape: [4, 32] },
      { name: q.replace('.language_model', ''), shape: [4, 32] },
    ]);
    await refused(/holds both .*lora_A.weight and .*lora_A.weight/);
    await editWeights(() => null);
    await refused(/holds no LoRA matrices/);
    const strangers = [
      'base_model.model.model.visual.patch_embed.proj.lora_A.weight',
      `${PREFIX}layers.2.self_attn.q_proj.lora_A.weight`,
      `${PREFIX}embed_tokens.lora_embedding_A`,
      `${PREFIX}embed_tokens.weight`,
      'base_model.model.lm_head.lora_A.weight',
      `${PREFIX}layers.0.self_attn.q_proj.lora_magnitude_vector`,
    ];
    for (const name of strangers) {
      await editWeights(() => null, [{ name, shape: [4, 3] }]);
      await refused(/\[4, 3\], which belongs to no linear layer of the model/);
    }
  });

  it('because files are missing or broken', async () => {
    await start('suffixes');
    await writeFile(weights(), Buffer.alloc(20));
    await refused(/not JSON|two entries|bytes after/, 'policy.bad-weights');
    await rename(weights(), join(folder, 'adapter_model.bin'));
    await refused(/has no adapter_model.safetensors; adapter_model.bin is not read/);
    await rm(join(folder, 'adapter_model.bin'));
    await refused(/has no adapter_model.safetensors$/);
    await writeFile(join(folder, 'adapter_config.json'), 'r: 4');
    await refused(/adapter_config.json is not JSON/, 'policy.bad-model-folder');
    await rm(join(folder, 'adapter_config.json'));
    await refused(/has no adapter_config.json/, 'policy.bad-model-folder');
  });

  it('already when it is written', async () => {
    const config = { rank: 1, alpha: 1, dropout: 0, targets: ['q_proj'] };
    const write = (linear: string, a: Float32Array, b: Float32Array) =>
      writeAdapterFolder(folder, tinyConfig, {
        config,
        layers: new Map([[linear, { a, b }]]),
        baseModel: 'tiny',
      });
    const q = 'model.layers.0.self_attn.q_proj';
    await expect(write('visual.patch_embed.proj', new Float32Array(1), new Float32Array(1))).rejects.toThrow(
      /visual.patch_embed.proj, which is no linear layer/,
    );
    await expect(write(q, new Float32Array(31), new Float32Array(32))).rejects.toThrow(
      /31 values for \[1, 32\]/,
    );
    await expect(write(q, new Float32Array(32), new Float32Array(32).fill(NaN))).rejects.toThrow(
      /not finite/,
    );
    const none = { config, layers: new Map(), baseModel: 'tiny' };
    await expect(writeAdapterFolder(folder, tinyConfig, none)).rejects.toThrow(/of no layers/);
    expect(await readdir(folder)).toEqual([]);
  });
});
