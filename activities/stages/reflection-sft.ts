import type { Json } from '../../core/canonical-json.js';
import { materializeCheckpoint } from '../checkpoint-artifact.js';
import { tunedModelKey } from '../model-key.js';
import { checkpointBase } from '../pretrained-base.js';
import { inScratch, layOut, resumeFolder, runJob, trainingResult } from '../gpu-job.js';
import { partDigest } from '../shards.js';
import type { Stage } from '../stage.js';
import type { Split } from '../../config/dataset.js';
import { tuningOf } from '../../training/model-tuning.js';
import { trainingPart } from './sft.js';

/** `sft` gives the single-pass share, `reflect` what is learnt, `val` the validation loss. */
const splits: readonly Split[] = ['sft', 'reflect', 'val'];

/** Fine-tuning on reflective sequences, from the SFT checkpoint: -> checkpoint, log. */
export const reflectionSft: Stage = {
  name: 'reflection-sft',
  version: 4,
  queue: 'gpu',
  job: 'training/reflection-sft',
  seed: 'train',
  params: ({ config, prompts }) =>
    ({
      reflection: config.reflection,
      frames: config.frames,
      prompts,
      ...tunedModelKey(config.model),
    }) as unknown as Json,
  keyInputs: async (context) => {
    const { samples, frames } = await trainingPart(context, splits);
    const { targets, reflections, checkpoint } = context.request.inputs;
    return {
      samples: partDigest(samples),
      frames: partDigest(frames),
      targets: targets!,
      reflections: reflections!,
      checkpoint: checkpoint!,
    };
  },
  run: async (context) => {
    const { config, prompts } = context.config;
    const { samples, frames } = await trainingPart(context, splits);
    return inScratch(context, samples, frames, async (files) => {
      await runJob(context, {
        kind: 'reflection-sft',
        ...files,
        frames: config.frames,
        prompts,
        seed: context.seed,
        params: config.reflection,
        base: await checkpointBase(config.model),
        tuning: tuningOf(config.model),
        start: await materializeCheckpoint(context.services, context.input('checkpoint')),
        targets: await layOut(context, files, 'targets', 'targets.jsonl'),
        reflections: await layOut(context, files, 'reflections', 'reflections.jsonl'),
        resumeFrom: await resumeFolder(context, files, 'reflection-sft'),
      });
      return trainingResult(context, files);
    });
  },
};
