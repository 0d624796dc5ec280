import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { readTensors } from '../../training/checkpoint.js';
import type { AnswerJob, TrainerJob } from '../../training/job.js';
import type { JobStopped } from '../../training/run-job.js';
import { runJob } from '../../training/run-job.js';
import { expectSameBytes, left, rows } from './job-results.js';
import { listen, makeTinyWorld, type TinyWorld } from './tiny-world.js';

let world: TinyWorld;
let backend: Backend;
/** A trained model that stands for released weights. */
let sftModel: string;
let adapter: string;

beforeAll(async () => {
  backend = await loadBackend();
  world = await makeTinyWorld();
  const released = await world.sft('released', { visionWarmup: { steps: 0 }, steps: 20, batchSize: 8 });
  await runJob(released, backend, listen());
  sftModel = join(released.workDir, 'model');
  const job = await adapterSft('lora-base', {}, { steps: 20, optimizer: { learningRate: 1e-2 } });
  await runJob(job, backend, listen());
  expect(backend.tf.memory().numTensors).toBe(0);
  adapter = join(job.workDir, 'model');
}, 120_000);
afterAll(() => world.remove());

const lora = { rank: 4, alpha: 8, dropout: 0.1, targets: 'all-linear' };
const tuning = { lora, freezeVision: false, recompute: true };
/** The same job as if its base were released weights. */
const onBase = <Job extends TrainerJob>(job: Job, change: object = {}): Job => ({
  ...job,
  base: { folder: sftModel, revision: 'first' },
  tuning,
  ...change,
});
const adapterSft = async (name: string, change: object = {}, params: object = {}) =>
  onBase(await world.sft(name, params), { model: null, ...change });
const variablesOf = async (folder: string): Promise<Map<string, Float32Array>> => {
  const policy = await Policy.load(backend, folder);
  const values = new Map<string, Float32Array>();
  for (const [name, variable] of policy.variables) values.set(name, (await variable.data()) as Float32Array);
  policy.dispose();
  return values;
};
const modelFiles = [
  'model/adapter_config.json',
  'model/adapter_model.safetensors',
  'model/chat_template.json',
  'model/tokenizer.json',
  'model/tokenizer_config.json',
];

describe('jobs on pretrained weights', () => {
  it('train an adapter without the warm-up of a model from scratch, and leave it alone', async () => {
    const log = await rows(join(adapter, '..'));
    expect(new Set(log.map((row) => row.phase))).toEqual(new Set(['sft']));
    expect(log).toHaveLength(20);
    const files = Object.keys(await left(join(adapter, '..')));
    expect(files.filter((name) => name.startsWith('model/')).sort()).toEqual(modelFiles);
    // The moments of what is trained, and no others.
    const state = await readTensors(join(adapter, '..', 'state.safetensors'));
    expect(Object.keys(state).every((name) => name === 'updates' || /lora_[AB]/.test(name))).toBe(true);
  });

  it('resume exactly, dropout included', async () => {
    await expectSameBytes(backend, (name) => adapterSft(name, {}, { steps: 3 }), 'lora-resume', [1]);
  }, 60_000);

  it('refuse the checkpoint of a job on other weights', async () => {
    const stopped: unknown = await runJob(await adapterSft('lora-stopped'), backend, listen(2)).catch(
      (e: unknown) => e,
    );
    const resumeFrom = (stopped as JobStopped).folder;
    const elsewhere = { folder: sftModel, revision: 'second' };
    await expect(
      runJob(await adapterSft('lora-elsewhere', { base: elsewhere, resumeFrom }), backend, listen()),
    ).rejects.toMatchObject({ code: 'training.other-job' });
    const rank = { ...tuning, lora: { ...lora, rank: 2 } };
    await expect(
      runJob(await adapterSft('lora-rank', { tuning: rank, resumeFrom }), backend, listen()),
    ).rejects.toMatchObject({ code: 'training.other-job' });
  });

  it('go on from an adapter in reflection SFT, and resume', async () => {
    const make = async (name: string) =>
      onBase(await world.reflectionSft(name, adapter, { sft: { steps: 2, batchSize: 4 } }));
    await expectSameBytes(backend, make, 'lora-reflection', [1]);
  }, 60_000);

  it('reinforce an adapter against the one it started from, on one set of weights', async () => {
    const job = onBase(await world.grpo('lora-grpo', adapter));
    const before = backend.tf.memory().numTensors;
    let most = 0;
    await runJob(job, backend, {
      emit: () => (most = Math.max(most, backend.tf.memory().numTensors)),
      stopRequested: () => false,
    });
    expect(backend.tf.memory().numTensors).toBe(before);
    const log = await rows(job.workDir);
    // Dropout makes the trained policy differ from its reference a little already at the first step.
    expect(log[0]!.kl as number).toBeLessThan(0.1);
    expect(log.every((row) => typeof row.kl === 'number' && Number.isFinite(row.kl))).toBe(true);
    const changed = await readFile(join(job.workDir, 'model', 'adapter_model.safetensors'));
    expect(changed.equals(await readFile(join(adapter, 'adapter_model.safetensors')))).toBe(false);
    const weights = (await variablesOf(sftModel)).size;
    const moments = await readTensors(join(job.workDir, 'state.safetensors'));
    const adapterTensors = (Object.keys(moments).length - 1) / 2;
    // Two adapters, and less than a second copy of the weights.
    expect(most - before).toBeLessThan(2 * weights + 2 * adapterTensors);
  }, 60_000);

  it('start reinforcement at no distance from the reference', async () => {
    const still = { ...tuning, lora: { ...lora, dropout: 0 } };
    const trained = await adapterSft('lora-still', { tuning: still });
    await runJob(trained, backend, listen());
    const start = join(trained.workDir, 'model');
    const job = onBase(await world.grpo('lora-grpo-still', start), { tuning: still });
    await runJob(job, backend, listen());
    expect((await rows(job.workDir))[0]!.kl).toBeCloseTo(0, 5);
    const make = async (name: string) =>
      onBase(await world.grpo(name, start, { stepsPerEpoch: 2 }), { tuning: still });
    await expectSameBytes(backend, make, 'lora-grpo-resume', [1]);
  }, 60_000);

  it('answer with an adapter on its base, otherwise than the base', async () => {
    const checkpointDigest = sha256(await readFile(join(adapter, 'adapter_model.safetensors')));
    const ask = async (name: string, change: Partial<AnswerJob>) => {
      const job = await world.answer(name, sftModel, {
        sampling: { temperature: 1, topP: 1, maxTokens: 20 },
        ...change,
      });
      await runJob(job, backend, listen());
      return rows(job.workDir, 'answers.jsonl');
    };
    const base = { folder: sftModel, revision: 'first' };
    const withAdapter = await ask('lora-answer', { checkpoint: adapter, checkpointDigest, base });
    expect(withAdapter).toHaveLength(8);
    expect(withAdapter).not.toEqual(await ask('lora-answer-base', {}));
    expect(await ask('lora-answer-again', { checkpoint: adapter, checkpointDigest, base })).toEqual(
      withAdapter,
    );
  }, 60_000);

  it('fine-tune all weights but those of a frozen vision tower', async () => {
    const frozen = { lora: null, freezeVision: true, recompute: false };
    const job = await adapterSft('frozen', { tuning: frozen });
    await runJob(job, backend, listen());
    const [before, after] = [await variablesOf(sftModel), await variablesOf(join(job.workDir, 'model'))];
    for (const [name, values] of after) {
      const same = Buffer.from(values.buffer).equals(Buffer.from(before.get(name)!.buffer));
      expect(same, name).toBe(name.startsWith('visual.'));
    }
    const again = await adapterSft('frozen-recomputed', { tuning: { ...frozen, recompute: true } });
    await runJob(again, backend, listen());
    const [plain, recomputed] = [await rows(job.workDir), await rows(again.workDir)];
    plain.forEach((row, at) => expect(recomputed[at]!.loss).toBeCloseTo(row.loss as number, 4));
  }, 60_000);

  it('need a base for an adapter', async () => {
    const job = await world.reflectionSft('lora-no-base', adapter);
    await expect(runJob(job, backend, listen())).rejects.toMatchObject({ code: 'training.no-base' });
  });
});
