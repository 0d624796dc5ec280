import pLimit from 'p-limit';
import { parseJsonl, toJsonl } from '../../core/jsonl.js';
import { measureVideo } from '../../video/measure.js';
import { readCandidates } from '../candidates.js';
import { videoLocator } from '../locations.js';
import { ok, okValues, perSample } from '../per-sample.js';
import { rejectedVideo } from '../rejected-video.js';
import { partDigest } from '../shards.js';
import type { KeyContext, Stage } from '../stage.js';

/** What probing says about one video, named by its digest. */
export type ProbeRow =
  | {
      readonly video: string;
      readonly outcome: 'ok';
      readonly frames: number;
      readonly fps: number;
      readonly width: number;
      readonly height: number;
    }
  | {
      readonly video: string;
      readonly outcome: 'rejected';
      readonly reason: string;
      readonly message: string;
    };

/** Digests of a shard's videos, each once; candidates without a file have none. */
async function shardVideos({ request, services }: KeyContext): Promise<string[]> {
  const { candidates } = await readCandidates(services.store, request.inputs.candidates!);
  const { index, size } = request.shard!;
  const part = candidates.slice(index * size, (index + 1) * size);
  return [...new Set(part.flatMap(({ video }) => video ?? []))];
}

/** Looks into each video of a shard: what it is, how many frames really decode, or why it cannot be used. */
export const probe: Stage = {
  name: 'probe',
  version: 1,
  queue: 'media',
  seed: null,
  params: ({ config }) => ({ minFrames: config.dataset.minFrames }),
  keyInputs: async (context) => ({ videos: partDigest(await shardVideos(context)) }),
  run: async (context) => {
    const videos = await shardVideos(context);
    const pathOf = await videoLocator(context);
    const { minFrames } = context.config.config.dataset;
    const named = videos.map((id) => ({ id }));
    const outcomes = await perSample(context, 'probe', named, 2, async ({ id: video }) => {
      try {
        const measured = await measureVideo(pathOf(video), { minFrames, signal: context.signal });
        const { frames, fps, width, height } = measured;
        return ok({ video, outcome: 'ok', frames, fps, width, height } satisfies ProbeRow);
      } catch (error) {
        return rejectedVideo(error, pathOf(video));
      }
    });
    const rows = [...outcomes].map(([video, outcome]): ProbeRow =>
      outcome.outcome === 'ok'
        ? (outcome.value as unknown as ProbeRow)
        : { video, outcome: 'rejected', reason: outcome.reason, message: outcome.message },
    );
    const { metrics } = okValues(outcomes);
    return { outputs: { probes: { text: toJsonl(rows), mediaType: 'application/jsonl' } }, metrics };
  },
};

/** All rows of the finished shards, by video. */
export async function probeRows({ request, services }: KeyContext): Promise<Map<string, ProbeRow>> {
  const limit = pLimit(16);
  const parts = await limit.map(request.shards, async (key) => {
    const manifest = await services.store.manifests.get('probe', key);
    return parseJsonl(
      await services.store.blobs.getText(manifest.outputs.probes!.digest),
      'probes.jsonl',
    ) as ProbeRow[];
  });
  return new Map(parts.flat().map((row) => [row.video, row]));
}
