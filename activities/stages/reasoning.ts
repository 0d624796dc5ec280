import { parseJsonl, toJsonl } from '../../core/jsonl.js';
import type { Sample } from '../../datasets/sample.js';
import type { Target } from '../../datasets/target.js';
import { CaptionRecord } from '../../teachers/embedded/captions.js';
import { reasonAbout } from '../../teachers/embedded/reasoning.js';
import { poolIndices, uniformIndices } from '../../video/sampling.js';
import { ok, okValues, perSample } from '../per-sample.js';
import { mergeShards, partDigest, readSamples, shardOf } from '../shards.js';
import type { KeyContext, Stage } from '../stage.js';

async function shardSamples({ request, services }: KeyContext): Promise<readonly Sample[]> {
  return shardOf(await readSamples(services.store, request.inputs.samples!), request.shard!);
}

/** Captions and human tags -> four steps and the answer, for the whole video and for trimmed views of `sft` samples. */
export const reasoning: Stage = {
  name: 'reasoning',
  version: 1,
  queue: 'media',
  seed: 'data',
  params: ({ config }) => ({
    teacher: config.teacher,
    policyFrames: config.frames.policyFrames,
    poolFrames: config.frames.poolFrames,
  }),
  keyInputs: async (context) =>
    context.request.shard === null
      ? { ...context.request.inputs }
      : { samples: partDigest(await shardSamples(context)), captions: context.request.inputs.captions! },
  run: async (context) => {
    const { store } = context.services;
    if (context.request.shard === null) return mergeShards(store, 'reasoning', context.request, ['targets']);
    const { frames, teacher } = context.config.config;
    const captions = new Map(
      parseJsonl(await store.blobs.getText(context.input('captions')), 'captions.jsonl')
        .map((row) => CaptionRecord.parse(row))
        .map((record) => [record.sampleId, record]),
    );
    const samples = (await shardSamples(context)).filter((sample) => captions.has(sample.id));
    const outcomes = await perSample(context, 'reasoning', samples, 1, (sample) => {
      const caption = captions.get(sample.id)!;
      const result = reasonAbout({
        sample,
        captions: caption,
        policyFrames: uniformIndices(caption.frameCount, frames.policyFrames),
        poolFrames: poolIndices(caption.frameCount, frames.poolFrames),
        trimmedViews: sample.split === 'sft' ? teacher.trimmedViews : 0,
        seed: context.seed,
      });
      if (result.outcome === 'ok') return Promise.resolve(ok(result.targets));
      context.log(`${result.outcome} ${result.reason}: ${result.message}`);
      return Promise.resolve(result);
    });
    const { values, metrics } = okValues<readonly Target[]>(outcomes);
    return {
      outputs: { targets: { text: toJsonl(values.flat()), mediaType: 'application/jsonl' } },
      metrics,
    };
  },
};
