import pLimit from 'p-limit';
import type { SampleOutcome } from '../artifacts/sample-outcomes.js';
import type { StageContext } from './stage.js';

/** How often results of a shard in work are saved, so that a killed shard goes on from them. */
const saveEveryMs = 3000;

/**
 * Works on the samples of a shard one by one, a few at a time, and remembers each result in the store: a retry pays only
 * for what is missing. An exception of `work` ends the shard; an outcome other than `ok` is a result like any other.
 */
export async function perSample<S extends { readonly id: string }>(
  context: StageContext,
  stage: string,
  samples: readonly S[],
  concurrency: number,
  work: (sample: S) => Promise<SampleOutcome>,
): Promise<Map<string, SampleOutcome>> {
  const { outcomes } = context.services.store;
  const done = { ...(await keptOutcomes(context, stage)), ...(await recorded(context, stage, context.work)) };
  const missing = samples.filter((sample) => done[sample.id] === undefined);
  if (missing.length < samples.length) context.continued();
  let finished = samples.length - missing.length;
  let savedAt = Date.now();
  const limit = pLimit(concurrency);
  let failure: { readonly error: unknown } | null = null;
  await limit.map(missing, async (sample) => {
    // After a failure nothing new begins, but what is in flight ends and counts.
    if (failure !== null) return;
    try {
      context.signal.throwIfAborted();
      done[sample.id] = await work(sample);
      finished++;
      context.progress({ phase: 'samples', step: finished, steps: samples.length, metrics: {} });
      if (Date.now() - savedAt > saveEveryMs) {
        savedAt = Date.now();
        Object.assign(done, await outcomes.add(stage, context.work, done));
      }
    } catch (error) {
      failure ??= { error };
    }
  });
  if (failure !== null) {
    // What ends the shard is the failure, not a store that cannot take the rest either.
    if (finished > 0) await outcomes.add(stage, context.work, done).catch(() => undefined);
    throw (failure as { readonly error: unknown }).error;
  }
  // A retry needs to know later which ones went well.
  if (Object.values(done).some(({ outcome }) => outcome !== 'ok'))
    Object.assign(done, await outcomes.add(stage, context.work, done));
  return new Map(samples.map((sample) => [sample.id, done[sample.id]!]));
}

/** The outcomes recorded under a name of unfinished work, without those whose blobs are lost. */
async function recorded(
  context: StageContext,
  stage: string,
  work: string,
): Promise<Record<string, SampleOutcome>> {
  const { outcomes, blobs } = context.services.store;
  const done = await outcomes.read(stage, work);
  const lost = await blobs.lost.list();
  if (lost.size === 0) return done;
  const gone = Object.keys(done).filter((id) => {
    const outcome = done[id]!;
    return outcome.outcome === 'ok' && outcome.blobs.some((digest) => lost.has(digest));
  });
  if (gone.length > 0) await outcomes.drop(stage, work, gone);
  for (const id of gone) delete done[id];
  return done;
}

/** What earlier work on the samples is kept: all but the outcomes that a retry asks for again. */
async function keptOutcomes(context: StageContext, stage: string): Promise<Record<string, SampleOutcome>> {
  const { kept } = context;
  if (kept === null) return {};
  return Object.fromEntries(
    Object.entries(await recorded(context, stage, kept.work)).filter(
      ([, { outcome }]) => outcome === 'ok' || !kept.but.includes(outcome),
    ),
  );
}

/** A sample that went well; `value` is plain data, `blobs` the digests it refers to. */
export function ok(value: object, blobs: readonly string[] = []): SampleOutcome {
  return { outcome: 'ok', value: value as never, blobs: [...blobs] };
}

/** The values of the samples that went well, in their order, and how many went which other way. */
export function okValues<T>(outcomes: ReadonlyMap<string, SampleOutcome>): {
  readonly values: T[];
  readonly blobs: string[];
  readonly metrics: Record<string, number>;
} {
  const values: T[] = [];
  const blobs: string[] = [];
  const metrics: Record<string, number> = { ok: 0 };
  for (const outcome of outcomes.values()) {
    metrics[outcome.outcome] = (metrics[outcome.outcome] ?? 0) + 1;
    if (outcome.outcome !== 'ok') continue;
    values.push(outcome.value as unknown as T);
    blobs.push(...outcome.blobs);
  }
  return { values, blobs, metrics };
}
