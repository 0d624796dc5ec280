import type { Json } from '../../core/canonical-json.js';
import { materializeCheckpoint } from '../checkpoint-artifact.js';
import { inScratch, resumeFolder, runJob, trainingResult } from '../gpu-job.js';
import { partDigest } from '../shards.js';
import type { Stage } from '../stage.js';
import { trainingPart } from './sft.js';

/** One epoch of GRPO on the `rl` split: -> checkpoint, log, completions. */
export const grpo: Stage = {
  name: 'grpo',
  version: 1,
  queue: 'gpu',
  seed: 'train',
  params: ({ config, prompts }, { variant }) =>
    ({ grpo: config.grpo, frames: config.frames, prompts, epoch: variant.epoch }) as unknown as Json,
  keyInputs: async (context) => {
    const { samples, frames } = await trainingPart(context, ['rl']);
    const { checkpoint, reference } = context.request.inputs;
    return {
      samples: partDigest(samples),
      frames: partDigest(frames),
      checkpoint: checkpoint!,
      reference: reference!,
    };
  },
  run: async (context) => {
    const { config, prompts } = context.config;
    const { samples, frames } = await trainingPart(context, ['rl']);
    return inScratch(context, samples, frames, async (files) => {
      await runJob(context, {
        kind: 'grpo',
        ...files,
        frames: config.frames,
        prompts,
        seed: context.seed,
        params: config.grpo,
        epoch: Number(context.request.variant.epoch),
        start: await materializeCheckpoint(context.services, context.input('checkpoint')),
        reference: await materializeCheckpoint(context.services, context.input('reference')),
        resumeFrom: await resumeFolder(context, files, 'grpo'),
      });
      return trainingResult(context, files, ['completions']);
    });
  },
};
