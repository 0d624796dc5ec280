import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { runJob } from '../../training/run-job.js';
import { expectSameBytes, rows } from './job-results.js';
import { listen, makeTinyWorld, type TinyWorld } from './tiny-world.js';

let world: TinyWorld;
let backend: Backend;
let sftModel: string;

beforeAll(async () => {
  backend = await loadBackend();
  world = await makeTinyWorld();
  const job = await world.sft('start', {
    visionWarmup: { steps: 0 },
    steps: 30,
    batchSize: 8,
    optimizer: { learningRate: 1e-2, warmupSteps: 5 },
  });
  await runJob(job, backend, listen());
  sftModel = join(job.workDir, 'model');
}, 60_000);
afterAll(() => world.remove());

/** Runs a GRPO job; gives back its log and completions. */
async function grpo(name: string, change: object) {
  const job = await world.grpo(name, sftModel, change);
  await runJob(job, backend, listen());
  return { log: await rows(job.workDir), completions: await rows(job.workDir, 'completions.jsonl') };
}
const idsOf = (completions: readonly Record<string, unknown>[]) => [
  ...new Set(completions.map((row) => row.sampleId as string)),
];

describe('resampling of groups without spread', () => {
  it('takes other samples, marks what it replaced, and learns from as many groups as before', async () => {
    const { log, completions } = await grpo('resampled', { resampleFlat: 2, promptsPerStep: 2 });
    expect(log.map((row) => row.resampledGroups).some((count) => (count as number) > 0)).toBe(true);
    for (const { step, resampledGroups } of log) {
      const own = completions.filter((row) => row.step === step);
      const replaced = own.filter((row) => row.replaced === true);
      expect(own.length - replaced.length).toBe(2 * 2);
      expect(replaced).toHaveLength(2 * (resampledGroups as number));
      // No sample is tried twice in a generation.
      expect(idsOf(own)).toHaveLength(own.length / 2);
      for (const id of idsOf(replaced)) {
        const [first, second] = replaced.filter((row) => row.sampleId === id);
        expect(Math.abs((first!.reward as number) - (second!.reward as number))).toBeLessThan(0.08);
      }
    }
  }, 60_000);

  it('ends when every group is flat: after its rounds, or when every sample was tried', async () => {
    // Three tokens earn nothing, whatever they are.
    const flat = { sampling: { maxTokens: 3 }, stepsPerEpoch: 2, promptsPerStep: 2 };
    const rounds = async (resampleFlat: number) =>
      (await grpo(`flat-${resampleFlat}`, { ...flat, resampleFlat })).log;
    const once = await rounds(1);
    expect(once.map(({ flatGroups }) => flatGroups)).toEqual([1, 1]);
    for (const { resampledGroups } of once) expect(resampledGroups).toBeLessThanOrEqual(2);
    // Of 8 samples 2 are drawn and 6 can replace.
    for (const { resampledGroups } of await rounds(40)) expect(resampledGroups).toBe(6);
  }, 60_000);

  it('leaves rows and completions as they were when it is off', async () => {
    const { log, completions } = await grpo('off', { stepsPerEpoch: 1 });
    expect(log[0]).not.toHaveProperty('resampledGroups');
    expect(completions[0]).not.toHaveProperty('replaced');
  });

  it('ends with the same bytes when it is stopped and resumed', async () => {
    const change = { resampleFlat: 2, promptsPerStep: 2 };
    await expectSameBytes(backend, (name) => world.grpo(name, sftModel, change), 'resumed', [1, 1]);
  }, 60_000);
});
