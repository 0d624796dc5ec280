import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { SafetensorsFile } from '../../policy/safetensors.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import { loadCheckpoint, saveCheckpoint } from '../../training/checkpoint-policy.js';
import { exportCheckpoint } from '../../training/export-checkpoint.js';
import type { PretrainedBase } from '../../training/job.js';
import { writeTinyBase } from './tiny-base.js';

let backend: Backend;
let folder: string;
let base: PretrainedBase;
let checkpoint: string;

beforeAll(async () => {
  backend = await loadBackend();
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  base = await writeTinyBase(backend, folder);
  checkpoint = join(folder, 'checkpoint');
  const policy = await Policy.load(backend, base.folder);
  const { variables } = policy.addAdapter({ rank: 3, alpha: 4, dropout: 0, targets: 'all-linear' }, [1, 2]);
  const random = Random.from(5, 'fill');
  for (const variable of variables.values()) {
    const values = Float32Array.from({ length: variable.size }, () => random.uniform(-0.5, 0.5));
    backend.tf.tidy(() => variable.assign(backend.tf.tensor(values, variable.shape)));
  }
  await saveCheckpoint({ policy, tokenizer: await Tokenizer.load(base.folder) }, checkpoint, base);
  policy.dispose();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const request = (name: string, change: Partial<Parameters<typeof exportCheckpoint>[0]> = {}) => ({
  checkpoint,
  base: base.folder,
  merge: false,
  dtype: 'F32' as const,
  folder: join(folder, name),
  ...change,
});

async function valuesOf(path: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(path);
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) values.set(name, await file.read(name));
  await file.close();
  return values;
}

describe('a whole model', () => {
  it('is exported as it is', async () => {
    const asked = request('whole', { checkpoint: base.folder, base: null });
    expect(await exportCheckpoint(asked)).toEqual({ kind: 'model' });
    for (const name of ['model.safetensors', 'config.json', 'tokenizer.json', 'preprocessor_config.json'])
      expect(
        (await readFile(join(asked.folder, name))).equals(await readFile(join(base.folder, name))),
        name,
      ).toBe(true);
  });

  it('is exported in half the bytes, and its config says so', async () => {
    const asked = request('half', { checkpoint: base.folder, base: null, dtype: 'BF16' });
    await exportCheckpoint(asked);
    const config = JSON.parse(await readFile(join(asked.folder, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ torch_dtype: 'bfloat16' });
    const [whole, half] = [base.folder, asked.folder].map((at) => valuesOf(join(at, 'model.safetensors')));
    for (const [name, values] of await whole!) {
      const rounded = (await half!).get(name)!;
      values.forEach((value, i) =>
        expect(Math.abs(rounded[i]! - value)).toBeLessThanOrEqual(Math.abs(value) / 256),
      );
    }
  });
});

describe('an adapter', () => {
  it('is exported with the folder of its base, which peft loads', async () => {
    const asked = request('adapter');
    expect(await exportCheckpoint(asked)).toEqual({ kind: 'adapter', rank: 3, seesVision: true });
    const config = JSON.parse(await readFile(join(asked.folder, 'adapter_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ base_model_name_or_path: base.folder });
    const name = 'adapter_model.safetensors';
    expect((await readFile(join(asked.folder, name))).equals(await readFile(join(checkpoint, name)))).toBe(
      true,
    );
    await Tokenizer.load(asked.folder);
  });

  it('is merged into the model that the policy itself makes of both', async () => {
    const asked = request('merged', { merge: true });
    expect(await exportCheckpoint(asked)).toEqual({ kind: 'model' });
    const { policy } = await loadCheckpoint(backend, checkpoint, base);
    const before = await valuesOf(join(base.folder, 'model.safetensors'));
    policy.mergeAdapter();
    const merged = await valuesOf(join(asked.folder, 'model.safetensors'));
    expect([...merged.keys()]).toEqual([...before.keys()]);
    let changed = 0;
    for (const [name, variable] of policy.variables) {
      const expected = (await variable.data()) as Float32Array;
      const found = merged.get(name)!;
      const size = Math.max(...expected.map(Math.abs));
      expected.forEach((value, i) => expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(1e-6 * size));
      if (!Buffer.from(found.buffer).equals(Buffer.from(before.get(name)!.buffer))) changed++;
    }
    policy.dispose();
    // 2 layers of 7, 2 blocks of 5, and the two of the merger.
    expect(changed).toBe(2 * 7 + 2 * 5 + 2);
  });

  it('is nothing without its base', async () => {
    for (const merge of [true, false]) {
      await expect(exportCheckpoint(request('lost', { base: null, merge }))).rejects.toMatchObject({
        code: 'training.no-base',
      });
    }
  });

  it('too large for the element type is refused', async () => {
    const policy = await Policy.load(backend, base.folder);
    const { variables } = policy.addAdapter({ rank: 1, alpha: 1, dropout: 0, targets: ['q_proj'] }, [1, 2]);
    backend.tf.tidy(() => {
      for (const variable of variables.values()) variable.assign(backend.tf.fill(variable.shape, 1e3));
    });
    const large = join(folder, 'large');
    await saveCheckpoint({ policy, tokenizer: await Tokenizer.load(base.folder) }, large, base);
    policy.dispose();
    const asked = request('overflow', { checkpoint: large, merge: true, dtype: 'F16' });
    await expect(exportCheckpoint(asked)).rejects.toMatchObject({
      code: 'policy.bad-weights',
      message: expect.stringContaining('q_proj') as string,
    });
  });
});
