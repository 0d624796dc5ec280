import { toJsonl } from '../../core/jsonl.js';
import type { RunConfig } from '../../config/schema.js';
import type { Sample } from '../../datasets/sample.js';
import { extractFrames } from '../../video/frames.js';
import { encodeFramePack, type FramePack } from '../../video/frame-pack.js';
import { poolIndices, teacherIndices, uniformIndices } from '../../video/sampling.js';
import type { FrameIndexEntry } from '../../training/job.js';
import { videoLocator } from '../locations.js';
import { ok, okValues, perSample } from '../per-sample.js';
import { rejectedVideo } from '../rejected-video.js';
import { mergeShards, partDigest, readSamples, shardOf } from '../shards.js';
import type { KeyContext, Stage } from '../stage.js';

/** Which frames a sample needs follows from its split: teacher frames to annotate, a pool to verify or to trim. */
function needs(
  sample: Sample,
  { teacher }: RunConfig,
): { readonly pool: boolean; readonly teacher: boolean } {
  return {
    pool: sample.split === 'rl' || (sample.split === 'sft' && teacher.trimmedViews > 0),
    teacher: sample.split === 'sft' || sample.split === 'reflect' || sample.split === 'val',
  };
}

async function shardSamples({ request, services }: KeyContext): Promise<readonly Sample[]> {
  return shardOf(await readSamples(services.store, request.inputs.samples!), request.shard!);
}

/** One decoding pass a video: policy frames, pool and teacher frames, packed into one blob. */
export const frames: Stage = {
  name: 'frames',
  version: 1,
  queue: 'media',
  seed: null,
  params: ({ config }) => ({ frames: config.frames }),
  keyInputs: async (context) =>
    context.request.shard === null
      ? { ...context.request.inputs }
      : {
          videos: partDigest(
            (await shardSamples(context)).map((sample) => [
              sample.id,
              sample.video,
              sample.frames,
              needs(sample, context.config.config),
            ]),
          ),
        },
  run: async (context) => {
    if (context.request.shard === null)
      return mergeShards(context.services.store, 'frames', context.request, ['frames']);
    const { config } = context.config;
    const pathOf = await videoLocator(context);
    const outcomes = await perSample(context, 'frames', await shardSamples(context), 2, async (sample) => {
      const wanted = needs(sample, config);
      let pack: FramePack;
      try {
        pack = await extractFrames(
          pathOf(sample.video),
          { ...sample, durationSeconds: sample.frames / sample.fps },
          {
            policy: config.frames.size,
            teacherWidth: config.frames.teacherWidth,
            choose: (count) => ({
              policy: uniformIndices(count, config.frames.policyFrames),
              pool: wanted.pool ? poolIndices(count, config.frames.poolFrames) : null,
              teacher: wanted.teacher
                ? teacherIndices(count, {
                    every: config.frames.teacherEvery,
                    most: config.frames.teacherMost,
                  })
                : null,
            }),
          },
          { signal: context.signal },
        );
      } catch (error) {
        // Whole when it was probed, and not any more, or only now decoded to its end.
        const reject = rejectedVideo(error, pathOf(sample.video));
        if (reject.outcome !== 'ok') context.log(`reject ${reject.reason} ${sample.id}: ${reject.message}`);
        return reject;
      }
      const { digest } = await context.services.store.blobs.put(
        encodeFramePack(pack),
        'application/octet-stream',
      );
      return ok({ sampleId: sample.id, pack: digest } satisfies FrameIndexEntry, [digest]);
    });
    const { values, blobs, metrics } = okValues<FrameIndexEntry>(outcomes);
    return { outputs: { frames: { text: toJsonl(values), mediaType: 'application/jsonl' } }, blobs, metrics };
  },
};
