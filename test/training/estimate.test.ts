import { describe, expect, test } from 'vitest';
import { policyShape } from '../../cli/model-shape.js';
import { loadConfig, type LoadedConfig } from '../../config/load.js';
import { ModelConfig } from '../../config/model.js';
import { estimateMemory, gib, requireFit, type MemoryEstimate } from '../../training/memory-estimate.js';
import { parameterCounts, releasedShape, scratchShape, videoTokens } from '../../training/model-shape.js';
import { valueCounts } from '../../training/step-memory.js';
import { cpuSpeed, estimateTime, gpuSpeed } from '../../training/time-estimate.js';

const sevenBillion = 8_292_166_656;

async function estimateOf(name: string, set: readonly string[] = []): Promise<MemoryEstimate> {
  const loaded = await loadConfig(name, { set });
  return estimateMemory(loaded, await policyShape(loaded));
}

const stageOf = (estimate: MemoryEstimate, stage: string) =>
  estimate.stages.find((each) => each.stage === stage)!;

describe('the size of a model', () => {
  test('is that of the released weights', () => {
    const size = (name: '3B' | '7B') => {
      const { vision, text } = parameterCounts(releasedShape(name));
      return vision + text;
    };
    expect(size('7B')).toBe(sevenBillion);
    expect(size('3B')).toBe(3_754_622_976);
  });

  test('is that of the tiny model of the recipe', () => {
    const model = ModelConfig.parse({ kind: 'scratch' }) as Extract<ModelConfig, { kind: 'scratch' }>;
    expect(parameterCounts(scratchShape(model, 245))).toEqual({ vision: 275_968, text: 585_984 });
  });

  test('gives a video as many tokens as the prompt has', async () => {
    expect(videoTokens((await loadConfig('demo')).config.frames)).toBe(48);
    expect(videoTokens((await loadConfig('vad-r1')).config.frames)).toBe(8 * 128);
  });
});

describe('what is trained', () => {
  const shape = releasedShape('7B');
  const counts = parameterCounts(shape);
  const lora = { rank: 16, alpha: 32, dropout: 0, targets: ['q_proj', 'v_proj'] };

  test('is all of it, or all but the vision tower', () => {
    const full = { lora: null, recompute: true };
    expect(valueCounts(shape, { ...full, freezeVision: false })).toEqual({
      trained: sevenBillion,
      frozen: 0,
      trainedVision: counts.vision,
    });
    expect(valueCounts(shape, { ...full, freezeVision: true })).toEqual({
      trained: counts.text,
      frozen: counts.vision,
      trainedVision: 0,
    });
  });

  test('is two thin matrices for each layer that LoRA names', () => {
    const trained = 28 * 16 * (3584 + 3584 + (3584 + 512));
    expect(valueCounts(shape, { lora, freezeVision: false, recompute: true })).toEqual({
      trained,
      frozen: sevenBillion,
      trainedVision: 0,
    });
  });

  test('is nothing of the vision tower where that is frozen, whatever LoRA names', () => {
    const everywhere = { ...lora, targets: 'all-linear' };
    const open = valueCounts(shape, { lora: everywhere, freezeVision: false, recompute: true });
    const frozen = valueCounts(shape, { lora: everywhere, freezeVision: true, recompute: true });
    expect(open.trainedVision).toBeGreaterThan(0);
    expect(frozen).toEqual({ ...open, trained: open.trained - open.trainedVision, trainedVision: 0 });
  });

  test('must be something', () => {
    const nowhere = { ...lora, targets: ['c_attn'] };
    expect(() => valueCounts(shape, { lora: nowhere, freezeVision: false, recompute: true })).toThrow(
      /select no linear layer/,
    );
  });
});

describe('device memory', () => {
  test('of full training of 7B is more than any one GPU has, and the refusal says so', async () => {
    const estimate = await estimateOf('vad-r1');
    expect(estimate.parameters).toBe(sevenBillion);
    expect(estimate.trained).toBe(sevenBillion);
    expect(estimate.peak.stage).toBe('grpo');
    // Weights, gradients, two moments, and the reference policy.
    expect(estimate.peak.total).toBeGreaterThan(5 * 4 * sevenBillion);
    expect(() => requireFit(estimate, 80 * 2 ** 30, 'an 80 GiB GPU')).toThrow(
      /^`grpo` needs about \d+\.\d GiB of device memory, an 80 GiB GPU has 80\.0 GiB$/,
    );
    expect(() => requireFit(estimate, estimate.peak.total, 'just enough')).not.toThrow();
  });

  test('of LoRA is that of the weights and little else that is trained; no second policy as reference', async () => {
    const estimate = await estimateOf('qwen2.5-vl-7b-lora');
    expect(estimate.trained).toBeLessThan(sevenBillion / 100);
    expect(() => requireFit(estimate, 80 * 2 ** 30, 'an 80 GiB GPU')).not.toThrow();
    for (const stage of ['sft', 'grpo']) {
      const { weights, gradients, moments, reference } = stageOf(estimate, stage);
      expect(weights).toBeGreaterThan(4 * sevenBillion);
      expect(weights).toBeLessThan(4.1 * sevenBillion);
      expect(gradients + moments + reference).toBeLessThan(0.05 * weights);
    }
  });

  test('falls with recomputation and with a frozen vision tower', async () => {
    const activations = async (set: string[]) => stageOf(await estimateOf('vad-r1', set), 'sft').activations;
    const all = await activations(['model.recompute=false']);
    const recomputed = await activations([]);
    const frozen = await activations(['model.recompute=false', 'model.freezeVision=true']);
    expect(recomputed).toBeLessThan(all / 4);
    expect(frozen).toBeLessThan(all);
  });

  test('of packed rows is that of full ones: longer, with the scores and the logits of all prompts but the first', async () => {
    const activations = async (set: string[]) => stageOf(await estimateOf('demo', set), 'sft').activations;
    const plain = await activations([]);
    const packed = await activations(['sft.packing=true']);
    expect(packed).toBeGreaterThan(plain);
    expect(packed).toBeLessThan(3 * plain);
    const reflective = stageOf(await estimateOf('demo', ['reflection.sft.packing=true']), 'reflection-sft');
    expect(reflective.activations).toBeGreaterThan(
      stageOf(await estimateOf('demo'), 'reflection-sft').activations,
    );
    expect(reflective.weights).toBe(stageOf(await estimateOf('demo'), 'reflection-sft').weights);
  });

  test('of the demo is small', async () => {
    const estimate = await estimateOf('demo');
    expect(estimate.peak.total).toBeLessThan(2 ** 31);
    expect(estimate.stages.map(({ stage }) => stage)).toEqual([
      'sft',
      'drafts',
      'reflection-sft',
      'grpo',
      'predictions',
    ]);
  });

  test('grows with frames', async () => {
    const small = await estimateOf('demo');
    const large = await estimateOf('demo', ['frames.size={width: 840, height: 560}']);
    expect(large.peak.total).toBeGreaterThan(5 * small.peak.total);
  });

  test('is written in units that people read', () => {
    expect([gib(2 ** 30), gib(178e9), gib(5e6)]).toEqual(['1.0 GiB', '165.8 GiB', '5 MiB']);
  });
});

describe('time', () => {
  const total = (times: readonly { readonly seconds: number }[]): number =>
    times.reduce((sum, { seconds }) => sum + seconds, 0);
  const timesOf = async (
    loaded: LoadedConfig,
    speed = cpuSpeed(2),
    samples?: Parameters<typeof estimateTime>[3],
  ) => estimateTime(loaded.config, await policyShape(loaded), speed, samples);

  test('of the demo is minutes on two cores, of Vad-R1 days even on a GPU', async () => {
    const demo = await timesOf(await loadConfig('demo'), cpuSpeed(2), { reflect: 200, val: 40, test: 400 });
    expect(total(demo)).toBeGreaterThan(120);
    expect(total(demo)).toBeLessThan(2000);
    const paper = await timesOf(await loadConfig('vad-r1'), gpuSpeed);
    expect(total(paper)).toBeGreaterThan(6 * 3600);
    expect(paper.map(({ stage }) => stage)).toEqual(['sft', 'grpo']);
  });

  test('is less with adapters, and more where layers are recomputed', async () => {
    const sft = async (name: string, set: string[] = []) =>
      (await timesOf(await loadConfig(name, { set }), gpuSpeed))[0]!.seconds;
    const paper = await sft('vad-r1');
    expect(await sft('vad-r1', ['model.recompute=false'])).toBeCloseTo((3 / 4) * paper, 5);
    expect(await sft('qwen2.5-vl-7b-lora')).toBeCloseTo((3 / 4) * paper, 5);
  });

  test('leaves out what depends on an unknown number of samples', async () => {
    const times = await timesOf(await loadConfig('demo'));
    expect(times.map(({ stage }) => stage)).toEqual(['sft', 'reflection-sft', 'grpo']);
  });
});
