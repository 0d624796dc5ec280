import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Sample } from '../../datasets/sample.js';
import type { Backend } from '../../policy/backend.js';
import { Policy } from '../../policy/policy.js';
import { readTensors } from '../../training/checkpoint.js';
import { loadCheckpoint, type LoadedPolicy } from '../../training/checkpoint-policy.js';
import { DataOrder } from '../../training/data-order.js';
import { rolloutTools, scoredRollouts } from '../../training/grpo.js';
import { GrpoTrainer, type GrpoUpdateRow } from '../../training/grpo-trainer.js';
import type { GrpoJob } from '../../training/job.js';
import { trainerTuning } from '../../training/model-tuning.js';
import { readRecords } from '../../training/records.js';
import {
  reward,
  sampleGroups,
  verify,
  type Group,
  type RolloutTools,
  type Verification,
} from '../../training/rollout.js';
import type { Stepped } from './protocol.js';

/** A step that was made: what it took, and what came of it. */
export interface MadeStep {
  readonly took: Stepped;
  readonly groups: readonly Group[];
  readonly verification: Verification;
  readonly update: GrpoUpdateRow;
}

/** The job that was prepared in a folder. */
export async function readJob(folder: string): Promise<GrpoJob> {
  return JSON.parse(await readFile(join(folder, 'job.json'), 'utf8')) as GrpoJob;
}

/** Steps of a GRPO job, made of the same parts as the job's own, with a clock between them. */
export class GrpoSteps {
  private constructor(
    readonly job: GrpoJob,
    readonly loaded: LoadedPolicy,
    readonly samples: readonly Sample[],
    readonly tools: RolloutTools,
    readonly trainer: GrpoTrainer,
  ) {}

  static async load(backend: Backend, job: GrpoJob): Promise<GrpoSteps> {
    const samples = (await readRecords(job.samples, Sample)).filter(({ split }) => split === 'rl');
    const loaded = await loadCheckpoint(backend, job.start, job.base);
    const reference = await Policy.load(backend, job.reference);
    const trainer = new GrpoTrainer(loaded.policy, reference, job.params, {
      stored: job.startState === null ? null : await readTensors(job.startState),
      tuning: trainerTuning(job),
    });
    return new GrpoSteps(job, loaded, samples, await rolloutTools(job, loaded, samples), trainer);
  }

  /**
   * One step. Its learning rate is 0: all of the update is computed, but every step starts with the same policy, so that
   * one can be repeated and all participants make the same one. Rewards and advantages, which take next to nothing,
   * count to the update.
   */
  async step(generation: number): Promise<MadeStep> {
    const { tools, trainer, job, samples } = this;
    const { params } = job;
    const order = new DataOrder(samples.length, job.seed, 'grpo');
    const drawn = Array.from(
      { length: params.promptsPerStep },
      (_, i) => samples[order.at(generation * params.promptsPerStep + i)]!,
    );
    const lap = stopwatch();
    const sampled = await sampleGroups(tools, drawn, generation);
    const rolloutTime = lap();
    const verification = await verify(tools, sampled, generation);
    const verificationTime = lap();
    const groups = sampled.map((group, at) => reward(tools, group, verification.cuts[at]!));
    const rollouts = scoredRollouts(groups, params);
    const videos = groups.map(({ video }) => video);
    const update = await trainer.update(rollouts, videos, params.groupSize, 0);
    const updateTime = lap();
    const written = count(rollouts.map(({ completion }) => completion));
    return {
      took: {
        rollout: { milliseconds: rolloutTime, ...written },
        verification: {
          milliseconds: verificationTime,
          ...count(verification.answers.map(({ ids }) => ids)),
        },
        update: { milliseconds: updateTime, ...written },
      },
      groups,
      verification,
      update,
    };
  }
}

/** Milliseconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const before = last;
    last = performance.now();
    return last - before;
  };
}

const count = (lists: readonly (readonly number[])[]): { sequences: number; tokens: number } => ({
  sequences: lists.length,
  tokens: lists.reduce((sum, ids) => sum + ids.length, 0),
});
