import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../core/canonical-json.js';
import { materializeCheckpoint } from '../checkpoint-artifact.js';
import { tunedModelKey } from '../model-key.js';
import { checkpointBase } from '../pretrained-base.js';
import { inScratch, layOut, resumeFolder, runJob, trainingResult, type JobFiles } from '../gpu-job.js';
import { tuningOf } from '../../training/model-tuning.js';
import { shapeOf } from '../../datasets/completion-shape.js';
import { partDigest } from '../shards.js';
import type { Stage, StageContext } from '../stage.js';
import { trainingPart } from './sft.js';

/** One epoch of GRPO on the `rl` split: -> checkpoint, log, completions. */
export const grpo: Stage = {
  name: 'grpo',
  version: 3,
  queue: 'gpu',
  job: 'training/grpo',
  seed: 'train',
  params: ({ config, prompts }, { use }) =>
    ({
      grpo: config.grpo,
      shape: shapeOf('grpo', config),
      frames: config.frames,
      prompts,
      epoch: use.epoch,
      ...tunedModelKey(config.model),
    }) as unknown as Json,
  keyInputs: async (context) => {
    const { samples, frames } = await trainingPart(context, ['rl']);
    const { checkpoint, reference, log, state } = context.request.inputs;
    return {
      ...(log === undefined ? {} : { log }),
      ...(state === undefined ? {} : { state }),
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
        shape: shapeOf('grpo', config),
        base: await checkpointBase(config.model),
        tuning: tuningOf(config.model),
        // Epochs are named from 1 and counted from 0.
        epoch: Number(context.request.use.epoch) - 1,
        startState: await ofEpochBefore(context, files, 'state', 'start-state.safetensors'),
        earlierLog: await ofEpochBefore(context, files, 'log', 'earlier-log.jsonl'),
        start: await materializeCheckpoint(context.services, context.input('checkpoint')),
        reference: await materializeCheckpoint(context.services, context.input('reference')),
        resumeFrom: await resumeFolder(context, files, 'grpo'),
      });
      const result = await trainingResult(context, files, ['completions'], true);
      const { log } = context.request.inputs;
      if (log === undefined) return result;
      // Later epochs carry the rows of the earlier ones, so that the curve of the whole training is one artifact.
      const earlier = await context.services.store.blobs.getText(log);
      const text = earlier + (await readFile(join(files.workDir, 'log.jsonl'), 'utf8'));
      return { ...result, outputs: { ...result.outputs, log: { text, mediaType: 'application/jsonl' } } };
    });
  },
};

/** An output of the epoch before, laid out; null in the first one. */
async function ofEpochBefore(
  context: StageContext,
  files: JobFiles,
  input: 'state' | 'log',
  name: string,
): Promise<string | null> {
  return context.request.inputs[input] === undefined ? null : layOut(context, files, input, name);
}
