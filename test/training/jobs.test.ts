import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseJsonl, toJsonl } from '../../core/jsonl.js';
import type { Reflection } from '../../datasets/target.js';
import { type Backend, loadBackend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { Tokenizer } from '../../policy/tokenizer.js';
import type { TrainerJob } from '../../training/job.js';
import { JobStopped, runJob } from '../../training/run-job.js';
import { expectSameBytes, left, rows } from './job-results.js';
import { listen, makeTinyWorld, type TinyWorld } from './tiny-world.js';

let world: TinyWorld;
let backend: Backend;
let sftModel: string;
/** Work folder of the job that made it. */
let trained: string;

beforeAll(async () => {
  backend = await loadBackend();
  world = await makeTinyWorld();
  const job = await world.sft('base', {
    visionWarmup: { steps: 10, batchSize: 8 },
    steps: 60,
    batchSize: 8,
    validationEvery: 20,
    optimizer: { learningRate: 1e-2, warmupSteps: 5 },
  });
  trained = job.workDir;
  await runJob(job, backend, listen());
  sftModel = join(job.workDir, 'model');
});
afterAll(() => world.remove());

/** Every training test here runs on this file's backend. */
const expectSame = (make: (name: string) => Promise<TrainerJob>, name: string, stops: number[]) =>
  expectSameBytes(backend, make, name, stops);

describe('sft', () => {
  it('warms the vision tower up, tunes, validates and leaves a model folder', async () => {
    const job = await world.sft('sft-plain');
    const control = listen();
    await runJob(job, backend, control);
    const log = await rows(job.workDir);
    expect(log.map((row) => row.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(log.map((row) => row.phase)).toEqual([
      ...Array<string>(3).fill('vision-warmup'),
      ...Array<string>(5).fill('sft'),
    ]);
    expect(log.filter((row) => row.validationLoss !== undefined).map((row) => row.step)).toEqual([5, 7, 8]);
    expect(control.events.at(-1)?.type).toBe('done');
    expect(control.events.filter((e) => e.type === 'checkpoint').map((e) => e.step)).toEqual([2, 4, 6]);
    const policy = await Policy.load(backend, join(job.workDir, 'model'));
    const tokenizer = await Tokenizer.load(join(job.workDir, 'model'));
    expect(policy.config.vocabSize).toBe(tokenizer.size);
    for (const word of ['<reflection>', 'wrong', '<how>', 'Normal', 'category'])
      expect(tokenizer.has(word)).toBe(true);
    policy.dispose();
  });

  it('learns: the loss falls and the validation loss with it', async () => {
    const tuned = (await rows(trained)).filter((row) => row.phase === 'sft');
    expect(tuned.at(-1)!.loss as number).toBeLessThan((tuned[0]!.loss as number) / 5);
    const validation = tuned.flatMap((row) =>
      row.validationLoss === undefined ? [] : [row.validationLoss as number],
    );
    expect(validation.at(-1)!).toBeLessThan(validation[0]!);
    expect(tuned.at(-1)!.tokenAccuracy as number).toBeGreaterThan(0.8);
  }, 60_000);

  it('ends with the same bytes when it is stopped at any step and resumed, the phase change included', async () => {
    await expectSame((name) => world.sft(name), 'sft-resume', [1, 2, 1, 1]);
  }, 60_000);

  it('ends with the same bytes when it is killed and goes on from the last regular checkpoint', async () => {
    const whole = await world.sft('sft-killed-whole');
    await runJob(whole, backend, listen());
    const again = await world.sft('sft-killed-again');
    const resumeFrom = join(whole.workDir, 'checkpoints', 'step-000004');
    await runJob({ ...again, resumeFrom }, backend, listen());
    expect(await left(again.workDir)).toEqual(await left(whole.workDir));
  });

  it('refuses the checkpoint of a job with other parameters', async () => {
    const stopped = await world.sft('sft-other');
    const error: unknown = await runJob(stopped, backend, listen(2)).catch((e: unknown) => e);
    const other = await world.sft('sft-other-again', { steps: 6 });
    await expect(
      runJob({ ...other, resumeFrom: (error as JobStopped).folder }, backend, listen()),
    ).rejects.toMatchObject({
      code: 'training.other-job',
    });
  });

  it('keeps the number of tensors constant over 20 steps and frees all of them at the end', async () => {
    const before = backend.tf.memory().numTensors;
    const job = await world.sft('sft-memory', { visionWarmup: { steps: 0 }, steps: 20, checkpointEvery: 7 });
    const counts: number[] = [];
    await runJob(job, backend, {
      emit: (event) => {
        if (event.type === 'progress') counts.push(backend.tf.memory().numTensors);
      },
      stopRequested: () => false,
    });
    expect(new Set(counts).size).toBe(1);
    expect(backend.tf.memory().numTensors).toBe(before);
  });
});

describe('warnings', () => {
  /** Warnings of a job, stopped after so many steps and gone on with. */
  const warnings = async (name: string, stops: number[]) => {
    // Too large a step for one epoch on four samples: the validation loss soon rises.
    const change = {
      visionWarmup: { steps: 0 },
      steps: 24,
      validationEvery: 1,
      checkpointEvery: 50,
      optimizer: { learningRate: 0.3, warmupSteps: 0 },
    };
    let resumeFrom: string | null = null;
    for (const [piece, stop] of [...stops, Infinity].entries()) {
      const control = listen(stop);
      const job: TrainerJob = { ...(await world.sft(`${name}-${piece}`, change)), resumeFrom };
      const error: unknown = await runJob(job, backend, control).catch((e: unknown) => e);
      if (error === undefined)
        return control.events.flatMap((e) => (e.type === 'warning' ? [e.warning] : []));
      expect(error).toBeInstanceOf(JobStopped);
      resumeFrom = (error as JobStopped).folder;
    }
    throw new Error('the job never finished');
  };

  it('are the same after a stop as without one', async () => {
    const undisturbed = await warnings('warned-whole', []);
    expect(undisturbed).toContainEqual(
      expect.objectContaining({ phase: 'sft', column: 'validationLoss', side: 'above' }),
    );
    expect(await warnings('warned-pieces', [9, 6])).toEqual(undisturbed);
  }, 60_000);

  it('go on from the log of the epochs before', async () => {
    const earlier = join(world.folder, 'earlier-log.jsonl');
    const before = Array.from({ length: 40 }, (_, i) => ({
      step: i + 1,
      phase: 'grpo',
      epoch: 0,
      truncated: 1,
    }));
    await writeFile(earlier, toJsonl(before));
    const told = async (earlierLog: string | null): Promise<string[]> => {
      const control = listen();
      const job = await world.grpo(`earlier-${earlierLog === null ? 'no' : 'yes'}`, sftModel, {
        stepsPerEpoch: 5,
        promptsPerStep: 1,
        sampling: { maxTokens: 3 },
      });
      await runJob({ ...job, earlierLog }, backend, control);
      return control.events.flatMap((e) => (e.type === 'warning' ? [e.warning.column] : []));
    };
    expect(await told(null)).toContain('truncated');
    // It was crossed in the epoch before, and that epoch told.
    expect(await told(earlier)).not.toContain('truncated');
  }, 60_000);
});

describe('sft on packed rows', () => {
  it('learns what it learns with a row for each sequence', async () => {
    const logOf = async (name: string, packing: boolean) => {
      const job = await world.sft(name, { packing, visionWarmup: { steps: 0 } });
      await runJob(job, backend, listen());
      return rows(job.workDir);
    };
    const [plain, packed] = [await logOf('sft-unpacked', false), await logOf('sft-packed', true)];
    expect(packed).toHaveLength(5);
    for (const [at, row] of packed.entries()) {
      for (const name of ['loss', 'validationLoss', 'tokens'].filter((field) => field in plain[at]!))
        expect(row[name], name).toBeCloseTo(plain[at]![name] as number, 3);
    }
    expect(packed.at(-1)!.validationLoss).toBeTypeOf('number');
    expect(packed).not.toEqual(plain);
  }, 60_000);

  it('resumes exactly', async () => {
    const packed = { visionWarmup: { steps: 0 }, packing: true };
    await expectSame((name) => world.sft(name, packed), 'sft-packed-resume', [1, 2]);
  }, 60_000);
});

describe('reflection sft', () => {
  it('trains on reflective and plain sequences and resumes exactly', async () => {
    await expectSame((name) => world.reflectionSft(name, sftModel), 'reflection-resume', [1, 1]);
  }, 60_000);

  it('validates on reflections of held-out samples, which change nothing that is learnt', async () => {
    const job = await world.reflectionSft('reflection-validated', sftModel);
    await runJob(job, backend, listen());
    const log = await rows(job.workDir);
    expect(log.filter((row) => row.validationLoss !== undefined).map((row) => row.step)).toEqual([3, 4]);
    expect(log.at(-1)!.validationLoss as number).toBeLessThan(log[0]!.loss as number);

    const held = new Set(world.samples.filter(({ split }) => split === 'val').map(({ id }) => id));
    const all = parseJsonl(await readFile(job.reflections, 'utf8'), job.reflections) as Reflection[];
    const without = await world.reflectionSft('reflection-unvalidated', sftModel);
    const reflections = join(without.workDir, 'reflect-only.jsonl');
    await writeFile(reflections, toJsonl(all.filter(({ sampleId }) => !held.has(sampleId))));
    await runJob({ ...without, reflections }, backend, listen());
    expect((await rows(without.workDir)).some((row) => 'validationLoss' in row)).toBe(false);
    const weights = (workDir: string) => readFile(join(workDir, 'model', 'model.safetensors'));
    expect((await weights(without.workDir)).equals(await weights(job.workDir))).toBe(true);
  }, 60_000);

  it('refuses to learn where only the held-out samples have a reflection', async () => {
    const job = await world.reflectionSft('reflection-none', sftModel);
    const samples = join(job.workDir, 'all-held-out.jsonl');
    await writeFile(samples, toJsonl(world.samples.map((sample) => ({ ...sample, split: 'val' }))));
    await expect(runJob({ ...job, samples }, backend, listen())).rejects.toMatchObject({
      code: 'training.no-samples',
    });
  });
});

describe('grpo', () => {
  it('writes what is watched and every completion, and changes the policy', async () => {
    const job = await world.grpo('grpo-plain', sftModel);
    const before = backend.tf.memory().numTensors;
    await runJob(job, backend, listen());
    expect(backend.tf.memory().numTensors).toBe(before);
    const log = await rows(job.workDir);
    expect(log).toHaveLength(3);
    for (const name of [
      'reward',
      'rewardStd',
      'accuracyReward',
      'accuracyRewardStd',
      'formatReward',
      'lengthReward',
      'verificationReward',
      'flatGroups',
      'kl',
      'entropy',
      'completionMean',
      'completionMin',
      'completionMax',
      'truncated',
      'gradNorm',
      'learningRate',
      'firstAccuracy',
      'finalAccuracy',
      'predictedAbnormal',
      'spanWidth',
      'tokens',
    ]) {
      expect(typeof log[2]![name], name).toBe('number');
    }
    const completions = await rows(job.workDir, 'completions.jsonl');
    expect(completions).toHaveLength(3 * 4 * 2);
    expect(completions.map((row) => row.step)).toEqual(
      [1, 2, 3].flatMap((step) => Array<number>(8).fill(step)),
    );
    expect(log[0]!.kl).toBeCloseTo(0, 5);
  }, 60_000);

  it('resumes exactly, completions included, without doubled rows', async () => {
    await expectSame((name) => world.grpo(name, sftModel), 'grpo-resume', [1, 1]);
  }, 60_000);

  it('gives up a step that it is stopped in, and resumes with the same bytes', async () => {
    const whole = await world.grpo('grpo-dropped-whole', sftModel);
    await runJob(whole, backend, listen());
    const stopped = await world.grpo('grpo-dropped', sftModel);
    // Asked before each step and after each generation: the fourth time is within the second step.
    let asked = 0;
    const control = { ...listen(), stopRequested: () => ++asked >= 4 };
    const error: unknown = await runJob(stopped, backend, control).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(JobStopped);
    expect((error as JobStopped).step).toBe(1);
    expect(await rows(stopped.workDir)).toHaveLength(1);
    const again = await world.grpo('grpo-dropped-again', sftModel);
    await runJob({ ...again, resumeFrom: (error as JobStopped).folder }, backend, listen());
    expect(await left(again.workDir)).toEqual(await left(whole.workDir));
  }, 60_000);

  it('goes on with the optimizer of the epoch before', async () => {
    const change = { epochs: 2, stepsPerEpoch: 2 };
    const first = await world.grpo('grpo-epoch-0', sftModel, change);
    await runJob(first, backend, listen());
    const second = {
      ...(await world.grpo('grpo-epoch-1', join(first.workDir, 'model'), change)),
      startState: join(first.workDir, 'state.safetensors'),
      reference: sftModel,
      epoch: 1,
    };
    await runJob(second, backend, listen());
    const both = await world.grpo('grpo-both', sftModel, { epochs: 1, stepsPerEpoch: 4 });
    await runJob(both, backend, listen());
    const [a, b] = [await left(second.workDir), await left(both.workDir)];
    expect(a['model/model.safetensors']!.equals(b['model/model.safetensors']!)).toBe(true);
    expect(a['state.safetensors']!.equals(b['state.safetensors']!)).toBe(true);
  }, 60_000);

  it('updates several times per generation with clipping, without a reference at beta 0', async () => {
    const job = await world.grpo('grpo-clipping', sftModel, {
      updatesPerGeneration: 3,
      beta: 0,
      aggregation: 'dapo',
      optimizer: { learningRate: 5e-3, warmupSteps: 0 },
    });
    await runJob(job, backend, listen());
    const log = await rows(job.workDir);
    expect(log.every((row) => row.kl === 0)).toBe(true);
    expect(log.some((row) => (row.clipped as number) > 0)).toBe(true);
  }, 60_000);

  it('runs the combined preset on reflective completions', async () => {
    const tuned = await world.reflectionSft('grpo-combined-start', sftModel, {
      sft: { steps: 3, batchSize: 4 },
    });
    await runJob(tuned, backend, listen());
    const job = await world.grpo('grpo-combined', join(tuned.workDir, 'model'), {
      preset: 'combined',
      labels: 'spans',
      stepsPerEpoch: 2,
      maskTruncated: true,
      sampling: { maxTokens: 130 },
    });
    await runJob(job, backend, listen());
    const log = await rows(job.workDir);
    expect(log[1]!.reflectionReward).toBeTypeOf('number');
    expect(log[1]!.tiouPaid).toBeLessThan(1);
  }, 60_000);

  it('refuses to reward temporal IoU where no sample has a span', async () => {
    const options = { preset: 'combined', labels: 'spans' } as const;
    const job = await world.grpo('grpo-no-spans', sftModel, options);
    const samples = join(job.workDir, 'weak.jsonl');
    const weak = (parseJsonl(await readFile(job.samples, 'utf8'), job.samples) as object[]).map((sample) => ({
      ...sample,
      spans: [],
      target: null,
    }));
    await mkdir(job.workDir, { recursive: true });
    await writeFile(samples, toJsonl(weak));
    await expect(runJob({ ...job, samples }, backend, listen())).rejects.toMatchObject({
      code: 'training.no-spans',
    });
  });

  it('refuses greedy rollouts', async () => {
    const job = await world.grpo('grpo-greedy', sftModel, { sampling: { temperature: 0 } });
    await expect(runJob(job, backend, listen())).rejects.toMatchObject({ code: 'training.greedy-rollouts' });
  });
});

describe('answers', () => {
  it('writes one row per sample and completion, the same every time', async () => {
    const change = {
      completionsPerSample: 3,
      sampling: { temperature: 1, topP: 0.9, maxTokens: 20 },
      purpose: 'drafts',
    };
    const first = await world.answer('answer-a', sftModel, change);
    await runJob(first, backend, listen());
    const found = await rows(first.workDir, 'answers.jsonl');
    expect(found.map((row) => `${row.sampleId as string} ${row.completion as number}`)).toEqual(
      first.sampleIds.flatMap((id) => [0, 1, 2].map((i) => `${id} ${i}`)),
    );
    for (const row of found) expect(row.tokens as number).toBeLessThanOrEqual(20);
    const again = await world.answer('answer-b', sftModel, change);
    await runJob(again, backend, listen());
    expect(await rows(again.workDir, 'answers.jsonl')).toEqual(found);
    const other = await world.answer('answer-c', sftModel, { ...change, purpose: 'predictions' });
    await runJob(other, backend, listen());
    expect(await rows(other.workDir, 'answers.jsonl')).not.toEqual(found);
  });

  it('keeps at most two checkpoints loaded between jobs', async () => {
    const train = await world.sft('shelf', { visionWarmup: { steps: 0 }, steps: 1 });
    await runJob(train, backend, listen());
    const empty = backend.tf.memory().numTensors;
    const counts: number[] = [];
    for (const digest of ['a', 'b', 'a', 'c', 'c']) {
      const model = join(train.workDir, 'model');
      await runJob(
        await world.answer(`shelf-${digest}`, model, {
          checkpointDigest: digest,
          sampling: { temperature: 0, topP: 1, maxTokens: 2 },
        }),
        backend,
        listen(),
      );
      counts.push(backend.tf.memory().numTensors - empty);
    }
    expect(counts[1]).toBe(2 * counts[0]!);
    expect(counts.slice(2)).toEqual([counts[1], counts[1], counts[1]]);
  });

  it('names a sample that is not there, and stops when asked', async () => {
    const job = await world.answer('answer-unknown', sftModel, { sampleIds: ['nobody'] });
    await expect(runJob(job, backend, listen())).rejects.toMatchObject({ code: 'training.unknown-id' });
    const stopped = await world.answer('answer-stopped', sftModel);
    await expect(runJob(stopped, backend, listen(0))).rejects.toBeInstanceOf(JobStopped);
  });
});
