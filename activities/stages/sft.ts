import type { Json } from '../../core/canonical-json.js';
import { modelKey } from '../model-key.js';
import { pretrainedBase } from '../pretrained-base.js';
import { inScratch, layOut, resumeFolder, runJob, trainingResult } from '../gpu-job.js';
import { frameEntries, ofSplits, partDigest, readSamples } from '../shards.js';
import type { KeyContext, Stage } from '../stage.js';
import type { Split } from '../../config/dataset.js';
import type { Sample } from '../../datasets/sample.js';
import { reflectionVocabulary } from '../../teachers/embedded/reflection-vocabulary.js';
import type { FrameIndexEntry } from '../../training/job.js';
import { tuningOf } from '../../training/model-tuning.js';

/** `val` gives the validation loss. */
const splits: readonly Split[] = ['sft', 'val'];

/** The samples of some splits and their frame packs: what a training stage reads, and all that may change its key. */
export async function trainingPart(
  { request, services }: KeyContext,
  of: readonly Split[],
): Promise<{ readonly samples: readonly Sample[]; readonly frames: readonly FrameIndexEntry[] }> {
  const all = ofSplits(await readSamples(services.store, request.inputs.samples!), of);
  const frames = await frameEntries(services.store, request.inputs.frames!, all);
  // A video that fell out when its frames were decoded cannot be trained on.
  const seen = new Set(frames.map((entry) => entry.sampleId));
  return { samples: all.filter((sample) => seen.has(sample.id)), frames };
}

/** Supervised fine-tuning on the reasoning targets: -> checkpoint, log. */
export const sft: Stage = {
  name: 'sft',
  version: 4,
  queue: 'gpu',
  job: 'training/sft',
  seed: 'train',
  params: ({ config, prompts }) =>
    ({
      sft: config.sft,
      model: modelKey(config.model),
      frames: config.frames,
      prompts,
      reasoning: config.reasoning,
      extraWords: reflectionVocabulary,
    }) as unknown as Json,
  keyInputs: async (context) => {
    const { samples, frames } = await trainingPart(context, splits);
    return {
      samples: partDigest(samples),
      frames: partDigest(frames),
      targets: context.request.inputs.targets!,
    };
  },
  run: async (context) => {
    const { config, prompts } = context.config;
    const { samples, frames } = await trainingPart(context, splits);
    return inScratch(context, samples, frames, async (files) => {
      await runJob(context, {
        kind: 'sft',
        ...files,
        frames: config.frames,
        prompts,
        seed: context.seed,
        params: config.sft,
        reasoning: config.reasoning,
        ...(config.model.kind === 'scratch'
          ? { base: null, model: config.model }
          : { base: await pretrainedBase(config.model), model: null }),
        tuning: tuningOf(config.model),
        extraWords: reflectionVocabulary,
        targets: await layOut(context, files, 'targets', 'targets.jsonl'),
        resumeFrom: await resumeFolder(context, files, 'sft'),
      });
      return trainingResult(context, files);
    });
  },
};
