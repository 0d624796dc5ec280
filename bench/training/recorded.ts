import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import type { Sample } from '../../datasets/sample.js';
import type { GrpoJob } from '../../training/job.js';
import type { RolloutTools } from '../../training/rollout.js';
import { uniformIndices } from '../../video/sampling.js';
import type { MadeStep } from './grpo-steps.js';

const Tokens = z.array(z.int().nonnegative());
const Positions = z.array(z.int().nonnegative());

/**
 * Our generations, as `generations.json` has them for the other participants: they write the same completions, look at
 * the same cuts and learn with the same advantages. Beside it lies `frames.bin`, RGB bytes [videos, count, height, width, 3].
 */
export const Recorded = z.strictObject({
  policy: z.string().describe('model folder'),
  reference: z.string().describe('model folder'),
  frames: z.strictObject({
    videos: z.int(),
    count: z.int().describe('frames of a video'),
    height: z.int(),
    width: z.int(),
  }),
  shown: Positions.describe('frames of a video that a rollout sees'),
  prompt: Tokens.describe('of rollouts and of verification'),
  group: z.int().describe('completions per prompt, next to each other'),
  maxTokens: z.int(),
  stop: z.int().describe('the token that ends an answer of verification'),
  beta: z.number(),
  optimizer: z.strictObject({
    beta1: z.number(),
    beta2: z.number(),
    weightDecay: z.number(),
    maxGradNorm: z.number(),
  }),
  generations: z.array(
    z.strictObject({
      videos: Positions,
      completions: z.array(Tokens),
      advantages: z.array(z.number()),
      cuts: z
        .array(z.strictObject({ completion: z.int(), frames: Positions }))
        .describe('of all completions that are verified, equal ones included'),
    }),
  ),
});
export type Recorded = z.infer<typeof Recorded>;

export const recordedName = 'generations.json';
const framesName = 'frames.bin';

/** Leaves generations and frames in the folder. */
export async function writeRecorded(
  folder: string,
  job: GrpoJob,
  tools: RolloutTools,
  samples: readonly Sample[],
  made: readonly MadeStep[],
): Promise<void> {
  const { params, tokenizer } = tools;
  const place = new Map(samples.map(({ id }, at) => [id, at]));
  const { beta1, beta2, weightDecay, maxGradNorm } = params.optimizer;
  const recorded: Recorded = {
    policy: job.start,
    reference: job.reference,
    frames: await writeFrames(join(folder, framesName), tools, samples),
    shown: uniformIndices(samples[0]!.frames, job.frames.policyFrames),
    prompt: [...made[0]!.groups[0]!.prompt],
    group: params.groupSize,
    maxTokens: params.sampling.maxTokens,
    stop: tokenizer.idOf('</which>'),
    beta: params.beta,
    optimizer: { beta1, beta2, weightDecay, maxGradNorm },
    generations: made.map(({ groups, verification }) => ({
      videos: groups.map(({ sample }) => place.get(sample.id)!),
      completions: groups.flatMap(({ rollouts }) => rollouts.map(({ ids }) => [...ids])),
      advantages: groups.flatMap(({ rollouts }) => rollouts.map(({ advantage }) => advantage)),
      cuts: verification.plans
        .flat()
        .flatMap((plan, completion) =>
          plan.kind === 'cut' ? [{ completion, frames: [...plan.frames] }] : [],
        ),
    })),
  };
  await writeFile(join(folder, recordedName), JSON.stringify(recorded));
}

/** All frames of all videos, one after the other; the clips of a job made for the bench are equally long and large. */
async function writeFrames(
  path: string,
  { frames }: RolloutTools,
  samples: readonly Sample[],
): Promise<Recorded['frames']> {
  const file = createWriteStream(path);
  let shape: Omit<Recorded['frames'], 'videos'> | null = null;
  for (const sample of samples) {
    const { frames: kept, height, width, pixels } = await frames.pack(sample.id);
    if (kept.length !== sample.frames) throw new Error(`${sample.id} has ${kept.length} frames in its pack`);
    shape ??= { count: kept.length, height, width };
    if (!file.write(pixels)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  return { videos: samples.length, ...shape! };
}
