import { expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { readResolvedRun } from '../../config/recorded-run.js';

const load = () => loadConfig('micro', { set: ['dataset.sources.0.annotations=clips.jsonl'] });

it('reads a run that was recorded with fields that have been dropped since, in its variants too', async () => {
  const { config, prompts } = await load();
  const sft = { ...config.reflection.sft, visionWarmup: { steps: 400 }, trimmedShare: 0.3 };
  const old = { config: { ...config, reflection: { ...config.reflection, sft } }, prompts };
  expect(readResolvedRun({ ...old, variants: { one: old } })).toEqual({
    config,
    prompts,
    variants: { one: { config, prompts } },
  });
});

it('refuses fields that no version had', async () => {
  const { config, prompts } = await load();
  const sft = { ...config.reflection.sft, warmup: 3 };
  const odd = { config: { ...config, reflection: { ...config.reflection, sft } }, prompts };
  expect(() => readResolvedRun(odd)).toThrow(/warmup/);
});
