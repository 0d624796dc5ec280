import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor2D } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import type { LoraAdapter } from '../../policy/lora.js';
import { Policy } from '../../policy/policy.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import {
  adapterConfig,
  isAdapterFolder,
  loadCheckpoint,
  readAdapter,
  saveCheckpoint,
} from '../../training/checkpoint-policy.js';
import type { PretrainedBase } from '../../training/job.js';
import { PolicyShelf } from '../../training/policy-shelf.js';
import { tinyConfig, tinySegments } from '../policy/tiny.js';
import { writeTinyBase } from './tiny-base.js';

let backend: Backend;
let folder: string;
let base: PretrainedBase;
const lora = { rank: 2, alpha: 4, dropout: 0.1, targets: ['q_proj', 'down_proj', 'qkv'] };

beforeAll(async () => {
  backend = await loadBackend();
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-policy-'));
  base = await writeTinyBase(backend, folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Gives every value of an adapter something to say. */
function fill({ variables }: LoraAdapter, seed: number): void {
  const random = Random.from(seed, 'fill');
  for (const variable of variables.values()) {
    const values = Float32Array.from({ length: variable.size }, () => random.uniform(-0.5, 0.5));
    backend.tf.tidy(() => variable.assign(backend.tf.tensor(values, variable.shape)));
  }
}

/** An adapter folder as a training job leaves it. */
async function adapterFolder(name: string, seed: number): Promise<string> {
  const policy = await Policy.load(backend, base.folder);
  fill(policy.addAdapter(lora, [1, 2]), seed);
  await saveCheckpoint({ policy, tokenizer: await Tokenizer.load(base.folder) }, join(folder, name), base);
  policy.dispose();
  return join(folder, name);
}

/** What the vision tower makes of fixed patches: a fingerprint of the policy. */
async function seenBy(policy: Policy): Promise<number[]> {
  const { tf } = backend;
  const patches = tf.tidy(() =>
    tf
      .range(0, 32 * 24)
      .div<Tensor2D>(500)
      .reshape<never>([32, 24]),
  );
  const seen = policy.vision(patches as Tensor2D, tinySegments(1));
  const values = [...(await seen.data())];
  tf.dispose([patches, seen]);
  return values;
}

describe('a checkpoint of an adapter', () => {
  it('is a small folder that names its base by revision, and comes back as it was', async () => {
    const saved = await adapterFolder('saved', 5);
    expect((await readdir(saved)).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'chat_template.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const config = JSON.parse(await readFile(join(saved, 'adapter_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ base_model_name_or_path: base.revision, r: 2, lora_alpha: 4 });
    expect(await isAdapterFolder(saved)).toBe(true);
    const { policy } = await loadCheckpoint(backend, saved, base);
    expect(policy.adapter?.config).toEqual({ ...lora, targets: [...lora.targets].sort() });
    const again = join(folder, 'again');
    await saveCheckpoint({ policy, tokenizer: await Tokenizer.load(saved) }, again, base);
    for (const name of await readdir(saved))
      expect((await readFile(join(again, name))).equals(await readFile(join(saved, name))), name).toBe(true);
    policy.dispose();
  });

  it('is nothing without its base', async () => {
    const saved = await adapterFolder('alone', 5);
    await expect(loadCheckpoint(backend, saved, null)).rejects.toMatchObject({
      code: 'training.no-base',
      fix: expect.stringContaining('model.path') as string,
    });
  });

  it('that does not fit its base is refused, and nothing of the base stays on the device', async () => {
    const saved = await adapterFolder('unfitting', 5);
    const other = await writeTinyBase(backend, folder, 7);
    await rm(join(saved, 'adapter_model.safetensors'));
    const before = backend.tf.memory().numTensors;
    await expect(loadCheckpoint(backend, saved, other)).rejects.toMatchObject({ code: 'policy.bad-adapter' });
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it('is read beside another one as a reference, and disposed of by its reader', async () => {
    const [trained, reference] = [await adapterFolder('trained', 1), await adapterFolder('reference', 2)];
    const { policy } = await loadCheckpoint(backend, trained, base);
    const before = backend.tf.memory().numTensors;
    const adapter = await readAdapter(policy, reference);
    expect([...adapter.variables.keys()]).toEqual([...policy.adapter!.variables.keys()]);
    expect(backend.tf.memory().numTensors).toBe(before + adapter.variables.size);
    for (const variable of adapter.variables.values()) variable.dispose();
    expect(backend.tf.memory().numTensors).toBe(before);
    policy.dispose();
  });
});

describe('the adapter that a run trains', () => {
  it('is what the config says', () => {
    expect(adapterConfig(tinyConfig, { lora, freezeVision: false })).toEqual(lora);
    expect(adapterConfig(tinyConfig, { lora: null, freezeVision: true })).toBeNull();
  });

  it('leaves a frozen vision tower out', () => {
    const config = adapterConfig(tinyConfig, {
      lora: { ...lora, targets: 'all-linear' },
      freezeVision: true,
    });
    expect(config?.targets).toContain('model.language_model.layers.1.self_attn.q_proj');
    expect(JSON.stringify(config?.targets)).not.toContain('visual');
  });

  it('must be one', () => {
    const only = { ...lora, targets: ['qkv'] };
    expect(() => adapterConfig(tinyConfig, { lora: only, freezeVision: true })).toThrow(/which is frozen/);
    const none = { ...lora, targets: ['c_attn'] };
    expect(() => adapterConfig(tinyConfig, { lora: none, freezeVision: false })).toThrow(/no linear layer/);
  });
});

describe('the shelf', () => {
  it('keeps one base for the adapters on it, which take turns', async () => {
    const folders = [await adapterFolder('first', 1), await adapterFolder('second', 2)];
    const alone: number[][] = [];
    for (const checkpoint of folders) {
      const { policy } = await loadCheckpoint(backend, checkpoint, base);
      alone.push(await seenBy(policy));
      policy.dispose();
    }
    expect(alone[0]).not.toEqual(alone[1]);
    const shelf = new PolicyShelf(backend);
    const take = (at: number) =>
      shelf.take({ checkpoint: folders[at]!, checkpointDigest: `adapter-${at}`, base });
    const first = await take(0);
    const tensors = backend.tf.memory().numTensors;
    for (const at of [0, 1, 0, 1, 1]) {
      const { policy } = await take(at);
      expect(policy).toBe(first.policy);
      expect(await seenBy(policy)).toEqual(alone[at]);
      expect(backend.tf.memory().numTensors).toBeLessThanOrEqual(tensors + 4);
    }
    expect(shelf.size).toBe(1);
    shelf.clear();
    expect(shelf.size).toBe(0);
  });

  it('keeps a base and a whole model side by side, and makes room for a third', async () => {
    const shelf = new PolicyShelf(backend);
    const other = await writeTinyBase(backend, folder, 3);
    const adapter = await adapterFolder('third', 3);
    const before = backend.tf.memory().numTensors;
    await shelf.take({ checkpoint: base.folder, checkpointDigest: 'whole', base: null });
    await shelf.take({ checkpoint: adapter, checkpointDigest: 'adapter', base });
    expect(shelf.size).toBe(2);
    await shelf.take({ checkpoint: other.folder, checkpointDigest: 'other', base: null });
    expect(shelf.size).toBe(2);
    shelf.clear();
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it('does not lose its base to an adapter that cannot be read', async () => {
    const shelf = new PolicyShelf(backend);
    const [good, bad] = [await adapterFolder('good', 1), await adapterFolder('bad', 2)];
    await rm(join(bad, 'adapter_model.safetensors'));
    const loaded = await shelf.take({ checkpoint: good, checkpointDigest: 'good', base });
    await expect(shelf.take({ checkpoint: bad, checkpointDigest: 'bad', base })).rejects.toMatchObject({
      code: 'policy.bad-adapter',
    });
    expect(await shelf.take({ checkpoint: good, checkpointDigest: 'good', base })).toEqual(loaded);
    shelf.clear();
  });
});
