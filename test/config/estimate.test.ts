import { describe, expect, test } from 'vitest';
import { estimateMemory, gib, requireFit, tokensAtOnce } from '../../config/estimate.js';
import { cpuSpeed, estimateTime, gpuSpeed } from '../../config/estimate-time.js';
import { loadConfig } from '../../config/load.js';
import { modelShape, parameterCounts, videoTokens } from '../../config/model-shape.js';
import { ModelConfig } from '../../config/model.js';
import { tokensPerMicroBatch } from '../../training/micro-batch.js';

describe('the size of a model', () => {
  test('is that of the released weights', () => {
    const size = (name: '3B' | '7B') => {
      const { vision, text } = parameterCounts(
        modelShape({ kind: 'pretrained', path: 'w', revision: 'r', size: name }),
      );
      return vision + text;
    };
    expect(size('7B')).toBe(8_292_166_656);
    expect(size('3B')).toBe(3_754_622_976);
  });

  test('is that of the tiny model of the recipe', () => {
    const model = ModelConfig.parse({ kind: 'scratch' });
    expect(parameterCounts(modelShape(model, 245))).toEqual({ vision: 275_968, text: 585_984 });
  });

  test('gives a video as many tokens as the prompt has', async () => {
    expect(videoTokens((await loadConfig('demo')).config.frames)).toBe(48);
    expect(videoTokens((await loadConfig('vad-r1')).config.frames)).toBe(8 * 128);
  });
});

describe('device memory', () => {
  test('of full training of 7B is more than any one GPU has, and the refusal says so', async () => {
    const estimate = estimateMemory(await loadConfig('vad-r1'));
    expect(estimate.parameters).toBe(8_292_166_656);
    const weights = 4 * 8_292_166_656;
    expect(estimate.peak).toMatchObject({
      stage: 'grpo',
      weights,
      gradients: weights,
      moments: 2 * weights,
      reference: weights,
    });
    expect(() => requireFit(estimate, 80 * 2 ** 30, 'an 80 GiB GPU')).toThrow(
      /^`grpo` needs about \d+\.\d GiB of device memory, an 80 GiB GPU has 80\.0 GiB$/,
    );
    expect(() => requireFit(estimate, estimate.peak.total, 'just enough')).not.toThrow();
  });

  test('of the demo is small', async () => {
    const estimate = estimateMemory(await loadConfig('demo'));
    expect(estimate.peak.total).toBeLessThan(2 ** 31);
    expect(estimate.stages.map(({ stage }) => stage)).toEqual([
      'sft',
      'drafts',
      'reflection-sft',
      'grpo',
      'predictions',
    ]);
  });

  test('grows with frames, and answers need less than training', async () => {
    const small = estimateMemory(await loadConfig('demo'));
    const large = estimateMemory(
      await loadConfig('demo', { set: ['frames.size={width: 840, height: 560}'] }),
    );
    expect(large.peak.total).toBeGreaterThan(5 * small.peak.total);
    const of = (stage: string) => small.stages.find((each) => each.stage === stage)!.total;
    expect(of('predictions')).toBeLessThan(of('sft'));
  });

  test('counts on the micro-batches that training makes', () => {
    expect(tokensAtOnce).toBe(tokensPerMicroBatch);
  });

  test('is written in units that people read', () => {
    expect([gib(2 ** 30), gib(178e9), gib(5e6)]).toEqual(['1.0 GiB', '165.8 GiB', '5 MiB']);
  });
});

describe('time', () => {
  const total = (times: readonly { readonly seconds: number }[]): number =>
    times.reduce((sum, { seconds }) => sum + seconds, 0);

  test('of the demo is minutes on two cores, of Vad-R1 days even on a GPU', async () => {
    const demo = estimateTime((await loadConfig('demo')).config, cpuSpeed(2), {
      reflect: 200,
      val: 40,
      test: 400,
    });
    expect(total(demo)).toBeGreaterThan(120);
    expect(total(demo)).toBeLessThan(2000);
    const paper = estimateTime((await loadConfig('vad-r1')).config, gpuSpeed);
    expect(total(paper)).toBeGreaterThan(6 * 3600);
    expect(paper.map(({ stage }) => stage)).toEqual(['sft', 'grpo']);
  });

  test('leaves out what depends on an unknown number of samples', async () => {
    const { config } = await loadConfig('demo');
    expect(estimateTime(config, cpuSpeed(2)).map(({ stage }) => stage)).toEqual([
      'sft',
      'reflection-sft',
      'grpo',
    ]);
  });
});
