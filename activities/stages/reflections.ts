import { parseJsonl, toJsonl } from '../../core/jsonl.js';
import { Draft, Reflection, Target } from '../../datasets/target.js';
import { reflectOn } from '../../teachers/embedded/reflections.js';
import { subsampleDrafts } from '../../teachers/embedded/subsample.js';
import { ok, okValues, perSample } from '../per-sample.js';
import { parsedOnce } from '../parsed-blobs.js';
import { mergeShards, ofSplits, partDigest, readSamples, shardOf } from '../shards.js';
import type { KeyContext, Stage, StageContext, StageResult } from '../stage.js';

/** Targets of whole videos, by sample. */
const readFullTargets = parsedOnce(1, (text): ReadonlyMap<string, Target> => {
  const targets = parseJsonl(text, 'targets.jsonl').map((row) => Target.parse(row));
  return new Map(targets.filter(({ view }) => view === 'full').map((target) => [target.sampleId, target]));
});

/** Targets of the whole videos that the shard's drafts are about: what the revised answers must be. */
async function shardTargets({ request, services }: KeyContext): Promise<Map<string, Target>> {
  const samples = shardOf(await readSamples(services.store, request.inputs.samples!), request.shard!);
  const ids = new Set(samples.map((sample) => sample.id));
  const targets = await readFullTargets(services.store, request.inputs.targets!);
  // In the order of the list, which enters the key.
  return new Map([...targets].filter(([id]) => ids.has(id)));
}

/**
 * Drafts and truth -> reflection and revised answer. Of the whole list, those that are trained on are then subsampled to
 * `draftRightShare`; those of split `val` stay as the policy wrote them.
 */
export const reflections: Stage = {
  name: 'reflections',
  version: 3,
  queue: 'media',
  seed: 'data',
  params: ({ config }, { shard }) => ({
    teacher: config.teacher.kind,
    ...(shard === null ? { draftRightShare: config.reflection.draftRightShare } : {}),
  }),
  keyInputs: async (context) =>
    context.request.shard === null
      ? { ...context.request.inputs }
      : {
          targets: partDigest([...(await shardTargets(context)).values()]),
          drafts: context.request.inputs.drafts!,
        },
  run: async (context) => (context.request.shard === null ? subsample(context) : reflect(context)),
};

async function reflect(context: StageContext): Promise<StageResult> {
  const targets = await shardTargets(context);
  const drafts = parseJsonl(
    await context.services.store.blobs.getText(context.input('drafts')),
    'drafts.jsonl',
  )
    .map((row) => Draft.parse(row))
    .filter((draft) => targets.has(draft.sampleId));
  const byId = new Map(drafts.map((draft) => [`${draft.sampleId}#${draft.draft}`, draft]));
  const named = [...byId].map(([id, draft]) => ({ id, draft }));
  const outcomes = await perSample(context, 'reflections', named, 1, ({ draft }) => {
    const result = reflectOn({ draft, target: targets.get(draft.sampleId)!, seed: context.seed });
    if (result.outcome === 'ok') return Promise.resolve(ok(result.reflection));
    context.log(`${result.outcome} ${result.reason}: ${result.message}`);
    return Promise.resolve(result);
  });
  const { values, metrics } = okValues<Reflection>(outcomes);
  return { outputs: { reflections: { text: toJsonl(values), mediaType: 'application/jsonl' } }, metrics };
}

async function subsample(context: StageContext): Promise<StageResult> {
  const merged = await mergeShards(context.services.store, 'reflections', context.request, ['reflections']);
  const output = merged.outputs.reflections;
  const text = output !== undefined && 'text' in output ? output.text : '';
  const all = parseJsonl(text, 'reflections.jsonl').map((row) => Reflection.parse(row));
  const samples = await readSamples(context.services.store, context.input('samples'));
  const validation = new Set(ofSplits(samples, ['val']).map(({ id }) => id));
  const { kept, before, after } = subsampleDrafts(
    all,
    context.config.config.reflection.draftRightShare,
    context.seed,
    validation,
  );
  context.log(
    `kept ${after.right} of ${before.right} right and ${after.wrong} of ${before.wrong} wrong drafts, ` +
      `asked for a right share of ${context.config.config.reflection.draftRightShare}`,
  );
  return {
    outputs: { reflections: { text: toJsonl(kept), mediaType: 'application/jsonl' } },
    metrics: {
      ...merged.metrics,
      'right.before': before.right,
      'wrong.before': before.wrong,
      'right.after': after.right,
      'wrong.after': after.wrong,
    },
  };
}
