import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { checkpointBase, pretrainedBase } from '../../activities/pretrained-base.js';
import { ModelConfig } from '../../config/model.js';
import { sha256 } from '../../core/digest.js';
import { scratchFolder } from '../config/scratch-folder.js';

type Pretrained = Extract<ModelConfig, { kind: 'pretrained' }>;

const model = (path: string, change: object = {}): Pretrained =>
  ModelConfig.parse({ kind: 'pretrained', path, revision: 'r', ...change }) as Pretrained;

afterEach(() => vi.unstubAllEnvs());

describe('the folder of pretrained weights', () => {
  test('is where the config says', async () => {
    const folder = await scratchFolder({ 'config.json': '{}' });
    expect(await pretrainedBase(model(folder))).toEqual({ folder, revision: 'r' });
  });

  test('is found elsewhere on a worker that says so', async () => {
    const folder = await scratchFolder({ 'config.json': '{}' });
    vi.stubEnv('HINDSIGHT_WEIGHTS', dirname(folder));
    const elsewhere = join('/nowhere', basename(folder));
    expect(await pretrainedBase(model(elsewhere))).toEqual({ folder, revision: 'r' });
  });

  test('that is not there names the field, the places and the fix', async () => {
    vi.stubEnv('HINDSIGHT_WEIGHTS', '/mnt/weights');
    await expect(pretrainedBase(model('/nowhere/Qwen'))).rejects.toMatchObject({
      code: 'config.no-weights',
      retryable: false,
      message: expect.stringMatching(
        /^model\.path: on \S+ .* \/nowhere\/Qwen or \/mnt\/weights\/Qwen$/,
      ) as string,
      fix: expect.stringContaining('HINDSIGHT_WEIGHTS') as string,
    });
  });

  test('is of the revision that the config names', async () => {
    const folder = await scratchFolder({ 'config.json': '{}', 'model.safetensors': 'weights' });
    await pretrainedBase(model(folder, { revision: sha256('weights') }));
    await expect(pretrainedBase(model(folder, { revision: sha256('other') }))).rejects.toMatchObject({
      code: 'policy.other-weights',
    });
  });
});

test('checkpoints rest on it under LoRA only', async () => {
  const folder = await scratchFolder({ 'config.json': '{}' });
  expect(await checkpointBase(ModelConfig.parse({ kind: 'scratch' }))).toBeNull();
  expect(await checkpointBase(model('/nowhere'))).toBeNull();
  expect(await checkpointBase(model(folder, { tuning: { kind: 'lora' } }))).toEqual({
    folder,
    revision: 'r',
  });
});
