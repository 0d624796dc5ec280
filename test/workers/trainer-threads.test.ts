import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { TrainerMessage } from '../../activities/trainer.js';
import { ModelConfig } from '../../config/model.js';
import { sha256 } from '../../core/digest.js';
import { distFolder } from '../../stack/build-digest.js';
import type { ScratchModel, TrainerJob } from '../../training/job.js';
import { trainerEnvironment } from '../../workers/trainer-environment.js';
import { left } from '../training/job-results.js';
import { makeTinyWorld, type TinyWorld } from '../training/tiny-world.js';

let world: TinyWorld;
beforeAll(async () => {
  world = await makeTinyWorld();
});
afterAll(() => world.remove());

/** The demo's model: TensorFlow does not spread the products of the tiny world's own over threads. */
const model = ModelConfig.parse({ kind: 'scratch' }) as ScratchModel;

async function digests(workDir: string): Promise<Record<string, string>> {
  const files = Object.entries(await left(workDir));
  return Object.fromEntries(files.map(([name, bytes]) => [name, sha256(bytes)]));
}

/** Runs jobs one after another in a trainer child with so many threads. */
async function train(threads: number, jobs: readonly TrainerJob[]): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'trainer-threads-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const environment = trainerEnvironment({ HINDSIGHT_TRAINER_THREADS: String(threads) });
  const child = fork(join(distFolder, 'workers', 'trainer.js'), {
    env: { ...process.env, ...environment, HINDSIGHT_HOME: home },
    serialization: 'advanced',
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const waiting = [...jobs];
      const next = (): void => {
        const job = waiting.shift();
        if (job === undefined) resolve();
        else child.send({ type: 'job', job });
      };
      child.once('exit', (code) => reject(new Error(`the trainer ended with ${code}`)));
      child.on('message', (message: TrainerMessage) => {
        if (message.type === 'ready') expect(message.threads).toBe(threads);
        if (message.type === 'failed') reject(new Error(message.message));
        if (message.type === 'ready' || message.type === 'done') next();
      });
    });
  } finally {
    child.kill('SIGKILL');
  }
}

it('one thread and two leave the same bytes', { timeout: 240_000 }, async () => {
  const finished = [];
  for (const threads of [1, 2]) {
    const sft = await world.sft(`sft-${threads}`, { batchSize: 16, steps: 3 });
    const start = join(sft.workDir, 'model');
    const reflection = await world.reflectionSft(`reflection-${threads}`, start, {
      sft: { batchSize: 8, steps: 2 },
    });
    const grpo = await world.grpo(`grpo-${threads}`, start, { stepsPerEpoch: 1, groupSize: 8 });
    await train(threads, [{ ...sft, model }, reflection, grpo]);
    finished.push(await Promise.all([sft, reflection, grpo].map(({ workDir }) => digests(workDir))));
  }
  const [one, two] = finished;
  expect(one).toEqual(two);
});
