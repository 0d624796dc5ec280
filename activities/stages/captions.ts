import { toJsonl } from '../../core/jsonl.js';
import type { Sample } from '../../datasets/sample.js';
import { captionVideo, type CaptionRecord } from '../../teachers/embedded/captions.js';
import { decodeFramePack } from '../../video/frame-pack.js';
import { ok, okValues, perSample } from '../per-sample.js';
import { mergeShards, partDigest, readFrameIndex, readSamples, shardOf } from '../shards.js';
import type { KeyContext, Stage } from '../stage.js';

/** Whom the shard's captions are about, with their frame packs; samples whose video fell out have none. */
async function shardPart({
  request,
  services,
}: KeyContext): Promise<{ readonly sample: Sample; readonly pack: string }[]> {
  const samples = shardOf(await readSamples(services.store, request.inputs.samples!), request.shard!);
  const packs = await readFrameIndex(services.store, request.inputs.frames!);
  return samples.flatMap((sample) => {
    const entry = packs.get(sample.id);
    return entry === undefined ? [] : [{ sample, pack: entry.pack }];
  });
}

/** Teacher frames -> a dense caption per frame, from pixels alone: labels are not even among the inputs. */
export const captions: Stage = {
  name: 'captions',
  version: 1,
  queue: 'media',
  seed: null,
  params: ({ config }) => ({ kind: config.teacher.kind }),
  keyInputs: async (context) =>
    context.request.shard === null
      ? { ...context.request.inputs }
      : { frames: partDigest((await shardPart(context)).map(({ sample, pack }) => [sample.id, pack])) },
  run: async (context) => {
    const { store } = context.services;
    if (context.request.shard === null) return mergeShards(store, 'captions', context.request, ['captions']);
    const part = new Map((await shardPart(context)).map(({ sample, pack }) => [sample.id, pack]));
    const named = [...part.keys()].map((id) => ({ id }));
    const outcomes = await perSample(context, 'captions', named, 1, async ({ id }) => {
      const { teacher, frameCount, fps } = decodeFramePack(await store.blobs.get(part.get(id)!));
      if (teacher === null) {
        return {
          outcome: 'failed',
          reason: 'no-teacher-frames',
          message: `the frame pack of ${id} has no teacher frames`,
        };
      }
      return ok(captionVideo(id, { ...teacher, frameCount, fps }));
    });
    const { values, metrics } = okValues<CaptionRecord>(outcomes);
    return { outputs: { captions: { text: toJsonl(values), mediaType: 'application/jsonl' } }, metrics };
  },
};
