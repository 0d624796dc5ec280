import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { badBatchFile, requireFinite } from '../../training/finite.js';
import type { TrainerJob } from '../../training/job.js';
import { runJob } from '../../training/run-job.js';
import { listen, makeTinyWorld, type TinyWorld } from './tiny-world.js';

let world: TinyWorld;
let backend: Backend;
let sound: string;
/** The same model with weights that can be read, since they are finite, and overflow as soon as anything is computed. */
let spoiled: string;

beforeAll(async () => {
  backend = await loadBackend();
  world = await makeTinyWorld();
  const job = await world.sft('start', { visionWarmup: { steps: 0 }, steps: 2 });
  await runJob(job, backend, listen());
  sound = join(job.workDir, 'model');
  spoiled = join(world.folder, 'spoiled');
  await cp(sound, spoiled, { recursive: true });
  await spoil(join(spoiled, 'model.safetensors'), 'model.norm.weight');
});
afterAll(() => world.remove());

/** Makes every value of a tensor as large as float32 can be. */
async function spoil(file: string, tensor: string): Promise<void> {
  const bytes = await readFile(file);
  const header = Number(bytes.readBigUInt64LE(0));
  const found = (
    JSON.parse(bytes.toString('utf8', 8, 8 + header)) as Record<string, { data_offsets: [number, number] }>
  )[tensor]!;
  const [from, to] = found.data_offsets;
  for (let at = 8 + header + from; at < 8 + header + to; at += 4) bytes.writeFloatLE(3.4e38, at);
  await writeFile(file, bytes);
}

const saved = async (
  job: TrainerJob,
): Promise<Record<string, unknown> & { batch: Record<string, unknown>[] }> =>
  JSON.parse(await readFile(join(job.workDir, badBatchFile), 'utf8')) as never;

describe('numbers that are not finite', () => {
  it('stop SFT at the step, with what it drew', async () => {
    const job = await world.sft('sft-nan', {
      visionWarmup: { steps: 0 },
      optimizer: { learningRate: 1e38, warmupSteps: 0 },
    });
    await expect(runJob(job, backend, listen())).rejects.toMatchObject({ code: 'training.not-finite' });
    const { step, loss, batch } = await saved(job);
    expect(step).toBeGreaterThan(1);
    expect(['NaN', 'Infinity']).toContain(loss);
    expect(batch).toHaveLength(4);
    for (const drawn of batch) {
      expect(drawn).toEqual({
        sampleId: expect.stringMatching(/^clip-/) as string,
        view: expect.stringMatching(/^(full|trim-0)$/) as string,
        prompt: 'verdict',
      });
    }
  });

  it('stop reflection SFT on spoiled weights at its first step', async () => {
    const job = await world.reflectionSft('reflection-nan', spoiled);
    await expect(runJob(job, backend, listen())).rejects.toMatchObject({
      code: 'training.not-finite',
      fields: { step: 1, loss: 'NaN' },
    });
    expect((await saved(job)).batch).toContainEqual(expect.objectContaining({ prompt: 'reflective' }));
  });

  it('stop GRPO on spoiled weights before it learns, with all that the generation was', async () => {
    const job = await world.grpo('grpo-nan', spoiled);
    const control = listen();
    const before = backend.tf.memory().numTensors;
    await expect(runJob(job, backend, control)).rejects.toMatchObject({
      code: 'training.not-finite',
      message: expect.stringMatching(/^step 1: a log-probability of clip-\d+, completion 0/) as string,
    });
    expect(backend.tf.memory().numTensors).toBe(before);
    expect(control.events).toEqual([]);
    const { step, learningRate, batch } = await saved(job);
    expect({ step, learningRate }).toEqual({ step: 1, learningRate: expect.any(Number) as number });
    expect(batch).toHaveLength(4);
    for (const { sampleId, prompt, completions } of batch) {
      expect(sampleId).toMatch(/^clip-/);
      expect((prompt as number[]).every(Number.isInteger)).toBe(true);
      expect(completions).toHaveLength(2);
      for (const { ids, logProbs, advantage } of completions as Record<string, unknown>[]) {
        expect(logProbs).toHaveLength((ids as number[]).length);
        expect(logProbs).toContain('NaN');
        expect(advantage).toBeTypeOf('number');
      }
    }
  });

  it('stop GRPO when its update goes wrong, with the learning rate and the finite log-probabilities', async () => {
    const job = await world.grpo('grpo-exploded', sound, {
      sampling: { maxTokens: 8 },
      optimizer: { learningRate: 1e38, warmupSteps: 0 },
    });
    await expect(runJob(job, backend, listen())).rejects.toMatchObject({ code: 'training.not-finite' });
    expect(await saved(job)).toMatchObject({ learningRate: expect.any(Number) as number });
  });

  it('leave nothing behind when there are none', async () => {
    const job = await world.grpo('grpo-sound', sound, { stepsPerEpoch: 1, sampling: { maxTokens: 8 } });
    await runJob(job, backend, listen());
    await expect(stat(join(job.workDir, badBatchFile))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a gradient of zero', () => {
  const found = { step: 3, loss: 0.5, gradNorm: 0, learningRate: 1e-3 };

  it('stops where there should be one, and only there', async () => {
    const workDir = join(world.folder, 'no-gradient');
    await mkdir(workDir);
    await requireFinite(workDir, { ...found, expectGradient: false }, ['a']);
    await expect(stat(join(workDir, badBatchFile))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(requireFinite(workDir, { ...found, expectGradient: true }, ['a'])).rejects.toMatchObject({
      code: 'training.no-gradient',
    });
    expect(JSON.parse(await readFile(join(workDir, badBatchFile), 'utf8'))).toEqual({
      ...found,
      batch: ['a'],
    });
  });
});
