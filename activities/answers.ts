import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonl } from '../core/jsonl.js';
import type { PromptTexts } from '../config/schema.js';
import type { SamplingConfig } from '../config/training.js';
import type { Sample } from '../datasets/sample.js';
import type { AnswerRecord, FrameIndexEntry } from '../training/job.js';
import { materializeCheckpoint } from './checkpoint-artifact.js';
import { inScratch, runJob } from './gpu-job.js';
import { checkpointBase } from './pretrained-base.js';
import { frameEntries, partDigest, readSamples, shardOf } from './shards.js';
import type { KeyContext, StageContext } from './stage.js';

/** The samples of the request's shard and their frame packs. */
export async function answerPart({ request, services }: KeyContext): Promise<{
  readonly samples: readonly Sample[];
  readonly frames: readonly FrameIndexEntry[];
}> {
  const samples = shardOf(await readSamples(services.store, request.inputs.samples!), request.shard!);
  return { samples, frames: await frameEntries(services.store, request.inputs.frames!, samples) };
}

/**
 * What an answer depends on: the pictures and the checkpoint. Labels are left out, so that correcting one does not ask
 * the model again.
 */
export async function answerKeyInputs(context: KeyContext): Promise<Record<string, string>> {
  const { samples, frames } = await answerPart(context);
  return {
    samples: partDigest(samples.map(({ id, video }) => ({ id, video }))),
    frames: partDigest(frames),
    checkpoint: context.request.inputs.checkpoint!,
  };
}

/** Has a checkpoint answer the shard as one fixed batch: sums of floats depend on who shares it. */
export async function answerShard(
  context: StageContext,
  how: {
    readonly sampling: SamplingConfig;
    readonly prompt: keyof PromptTexts;
    readonly completionsPerSample: number;
    readonly purpose: string;
  },
): Promise<AnswerRecord[]> {
  const { config, prompts } = context.config;
  const { samples, frames } = await answerPart(context);
  const checkpoint = context.input('checkpoint');
  return inScratch(context, samples, frames, async (files) => {
    await runJob(context, {
      kind: 'answer',
      ...files,
      ...how,
      frames: config.frames,
      prompts,
      seed: context.seed,
      checkpoint: await materializeCheckpoint(context.services, checkpoint),
      checkpointDigest: checkpoint,
      base: await checkpointBase(config.model),
      sampleIds: frames.map((entry) => entry.sampleId),
    });
    const text = await readFile(join(files.workDir, 'answers.jsonl'), 'utf8');
    return parseJsonl(text, 'answers.jsonl') as AnswerRecord[];
  });
}
