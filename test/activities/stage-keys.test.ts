import { describe, expect, test } from 'vitest';
import { stages } from '../../activities/index.js';
import type { StageRequest } from '../../activities/contract.js';
import { loadConfig } from '../../config/load.js';
import type { ResolvedConfig } from '../../config/schema.js';

const request: StageRequest = {
  runId: 'r',
  config: 'c',
  inputs: {},
  shard: null,
  shards: [],
  use: { epoch: 1, checkpoint: 'sft' },
};
const shard: StageRequest = { ...request, shard: { split: 'test', index: 0, size: 4 } };

const paramsOf = (stage: keyof typeof stages, config: ResolvedConfig, asked = request): string =>
  JSON.stringify(stages[stage].params(config, asked));

async function changed(set: readonly string[]): Promise<string[]> {
  const before = await loadConfig('qwen2.5-vl-7b-lora', { cwd: '/data/here' });
  const after = await loadConfig('qwen2.5-vl-7b-lora', { cwd: '/data/here', set });
  return (Object.keys(stages) as (keyof typeof stages)[]).filter((name) =>
    [request, shard].some((asked) => paramsOf(name, before, asked) !== paramsOf(name, after, asked)),
  );
}

describe('the key of a stage', () => {
  test('holds no path, so that another machine with its files elsewhere finds the result', async () => {
    const here = await loadConfig('qwen2.5-vl-7b-lora', { cwd: '/data/here' });
    const there = await loadConfig('qwen2.5-vl-7b-lora', { cwd: '/mnt/there' });
    for (const name of Object.keys(stages) as (keyof typeof stages)[]) {
      expect(paramsOf(name, here), name).not.toContain('/data');
      expect(paramsOf(name, here), name).toBe(paramsOf(name, there));
      expect(paramsOf(name, here, shard), name).toBe(paramsOf(name, there, shard));
    }
  });

  const trained = ['sft', 'reflection-sft', 'grpo'];
  const answered = ['drafts', 'predictions'];

  test('follows the revision of the weights wherever an adapter rests on them', async () => {
    const reached = await changed(['model.revision=other']);
    expect(reached.sort()).toEqual([...trained, ...answered, 'report'].sort());
  });

  test('follows how they are trained wherever they are trained', async () => {
    for (const set of [
      'model.tuning.rank=8',
      'model.tuning.targets=all-linear',
      'model.freezeVision=false',
      'model.recompute=false',
    ])
      expect((await changed([set])).sort(), set).toEqual([...trained, 'report'].sort());
  });

  test('does not follow where they lie or how large they are said to be', async () => {
    expect(await changed(['model.path=/elsewhere/Qwen2.5-VL-7B-Instruct'])).toEqual([]);
    expect(await changed(['model.size='])).toEqual(['report']);
  });

  test('of a model from scratch is as it was: nothing of the model beyond SFT', async () => {
    const micro = await loadConfig('micro');
    const other = await loadConfig('micro', { set: ['model.initializerRange=0.5'] });
    for (const name of [...trained.slice(1), ...answered] as (keyof typeof stages)[])
      expect(paramsOf(name, other), name).toBe(paramsOf(name, micro));
    expect(paramsOf('sft', other)).not.toBe(paramsOf('sft', micro));
    expect(JSON.parse(paramsOf('sft', micro))).toMatchObject({ model: micro.config.model });
  });
});
