import { createActivities, stages, type ActivityInterface } from '../../activities/index.js';
import type { CandidateList } from '../../activities/candidates.js';
import { durable } from '../../activities/durable.js';
import { readSamples, shardOf } from '../../activities/shards.js';
import type { Output, Services, Stage, StageContext, StageResult } from '../../activities/stage.js';
import type { ProbeRow } from '../../activities/stages/probe.js';
import { canonicalJson } from '../../core/canonical-json.js';
import { toJsonl } from '../../core/jsonl.js';
import type { Label, Sample } from '../../datasets/sample.js';
import type { Draft, Prediction } from '../../datasets/target.js';
import { CLIP_FPS, CLIP_FRAMES, VIDEO_HEIGHT, VIDEO_WIDTH } from '../../video/synthetic/world.js';
import type { Prototype } from './prototypes.js';

/** Rows of the log that a training leaves. */
const trainingSteps = 300;

type Work = (context: StageContext) => Promise<StageResult>;

const jsonl = (rows: readonly unknown[]): Output => ({ text: toJsonl(rows), mediaType: 'application/jsonl' });

/**
 * Every stage of the pipeline, where decoding, captioning, training and answering give back what the prototypes stand for
 * instead of working. Keys and every other stage are as they are.
 */
export function recordedStages(prototypes: Readonly<Record<Label, Prototype>>): readonly Stage[] {
  const work: Readonly<Partial<Record<Stage['name'], Work>>> = {
    probe,
    frames: (context) => frames(context, prototypes),
    captions: async (context) => ({
      outputs: {
        captions: jsonl(
          (await shardSamples(context)).map(({ id, label }) => ({
            ...prototypes[label].captions,
            sampleId: id,
          })),
        ),
      },
    }),
    sft: training,
    'reflection-sft': training,
    grpo: training,
    drafts: (context) => drafts(context, prototypes),
    predictions: (context) => predictions(context, prototypes),
  };
  return Object.values(stages).map((stage) => {
    const run = work[stage.name];
    if (run === undefined) return stage;
    const sharded = run !== training;
    // Shards are merged by the stage's own code.
    const merges = (context: StageContext): boolean => sharded && context.request.shard === null;
    return { ...stage, run: (context) => (merges(context) ? stage.run(context) : run(context)) };
  });
}

/** The activities of a worker that has these stages. */
export function activitiesOf(services: Services, of: readonly Stage[]): ActivityInterface {
  const durables = of.map((stage) => [stage.name, durable(stage, services)] as const);
  return { ...createActivities(services), ...Object.fromEntries(durables) };
}

async function shardSamples({ request, services }: StageContext): Promise<readonly Sample[]> {
  return shardOf(await readSamples(services.store, request.inputs.samples!), request.shard!);
}

async function probe({ request, services }: StageContext): Promise<StageResult> {
  const text = await services.store.blobs.getText(request.inputs.candidates!);
  const { candidates } = JSON.parse(text) as CandidateList;
  const { index, size } = request.shard!;
  const seen = { frames: CLIP_FRAMES, fps: CLIP_FPS, width: VIDEO_WIDTH, height: VIDEO_HEIGHT };
  const rows = candidates
    .slice(index * size, (index + 1) * size)
    .map(({ video }): ProbeRow => ({ video: video!, outcome: 'ok', ...seen }));
  return { outputs: { probes: jsonl(rows) } };
}

async function frames(
  context: StageContext,
  prototypes: Readonly<Record<Label, Prototype>>,
): Promise<StageResult> {
  const { blobs } = context.services.store;
  const put = async ({ pack }: Prototype): Promise<string> =>
    (await blobs.put(pack, 'application/octet-stream')).digest;
  const packs = { Normal: await put(prototypes.Normal), Abnormal: await put(prototypes.Abnormal) };
  const samples = await shardSamples(context);
  return {
    outputs: { frames: jsonl(samples.map(({ id, label }) => ({ sampleId: id, pack: packs[label] }))) },
    // A manifest names a pack for every sample.
    blobs: samples.map(({ label }) => packs[label]),
    metrics: { ok: samples.length },
  };
}

async function training({ key, request, services }: StageContext): Promise<StageResult> {
  const weights = await services.store.blobs.putText(`weights of ${key}`, 'application/octet-stream');
  const phase = request.use.epoch === undefined ? 'sft' : 'grpo';
  const log = Array.from({ length: trainingSteps }, (_, step) => ({
    phase,
    step: step + 1,
    loss: 1 / (step + 1),
  }));
  const text = canonicalJson({ files: { 'model.safetensors': weights.digest } }) + '\n';
  return {
    outputs: {
      checkpoint: { text, mediaType: 'application/json' },
      log: jsonl(log),
      completions: jsonl([]),
      state: { stored: weights },
    },
    blobs: [weights.digest],
  };
}

async function drafts(
  context: StageContext,
  prototypes: Readonly<Record<Label, Prototype>>,
): Promise<StageResult> {
  const { draftsPerSample } = context.config.config.reflection;
  const rows = (await shardSamples(context)).flatMap(({ id, label }) =>
    Array.from({ length: draftsPerSample }, (_, draft): Draft => {
      const other = label === 'Normal' ? 'Abnormal' : 'Normal';
      // The last of a sample's drafts is wrong.
      const said = draft === draftsPerSample - 1 ? other : label;
      const { verdict: text } = prototypes[said];
      const checkpoint = context.input('checkpoint');
      return { sampleId: id, draft, text, finish: 'stop', checkpoint, seed: context.seed };
    }),
  );
  return { outputs: { drafts: jsonl(rows) }, metrics: { drafts: rows.length, truncated: 0 } };
}

async function predictions(
  context: StageContext,
  prototypes: Readonly<Record<Label, Prototype>>,
): Promise<StageResult> {
  const rows = (await shardSamples(context)).map(({ id, label }): Prediction => {
    const { verdict: text } = prototypes[label];
    return { sampleId: id, text, finish: 'stop', tokens: text.split(' ').length };
  });
  return { outputs: { predictions: jsonl(rows) }, metrics: { answers: rows.length, truncated: 0 } };
}
