import { Context } from '@temporalio/activity';
import type { RunRecord } from '../artifacts/runs.js';
import { listVideos, type VideoList } from './candidates.js';
import type { StageName, StageRef, StageRequest } from './contract.js';
import { durable, keyOf, refOf } from './durable.js';
import { toFailure } from './failure.js';
import { isAskedAgain, rerunOf } from './reruns.js';
import { reusable } from './reuse.js';
import { readConfig } from './run-config.js';
import type { Services, Stage } from './stage.js';
import { captions } from './stages/captions.js';
import { compare } from './stages/compare.js';
import { drafts } from './stages/drafts.js';
import { evaluate } from './stages/evaluate.js';
import { frames } from './stages/frames.js';
import { grpo } from './stages/grpo.js';
import { ingest } from './stages/ingest.js';
import { predictions } from './stages/predictions.js';
import { probe } from './stages/probe.js';
import { reasoning } from './stages/reasoning.js';
import { reflectionSft } from './stages/reflection-sft.js';
import { reflections } from './stages/reflections.js';
import { report } from './stages/report.js';
import { sft } from './stages/sft.js';

/** Every stage by the name of its activity. */
export const stages: Readonly<Record<StageName | 'probe', Stage>> = {
  probe,
  ingest,
  frames,
  captions,
  reasoning,
  sft,
  drafts,
  reflections,
  'reflection-sft': reflectionSft,
  grpo,
  predictions,
  evaluate,
  compare,
  report,
};

/** What workflows can call; which queue serves a call is said by the caller. */
export type ActivityInterface = Record<StageName | 'probe', (request: StageRequest) => Promise<StageRef>> & {
  /** The result of a whole stage if the store has one that serves. */
  lookup(call: { readonly stage: string; readonly request: StageRequest }): Promise<StageRef | null>;
  /** Writes the run's record to the store; of the rows of its table, it may hold those that changed. */
  recordRun(call: { readonly record: RunRecord; readonly rows: 'all' | 'changed' }): Promise<void>;
  /** Reads the annotations, finds the videos, and digests them. */
  listVideos(call: { readonly runId: string; readonly config: string }): Promise<VideoList>;
};

/** The activities of a worker process. Every worker offers all of them; queues decide who gets which. */
export function createActivities(services: Services): ActivityInterface {
  const durables = Object.fromEntries(
    Object.entries(stages).map(([name, stage]) => [name, durable(stage, services)]),
  );
  return {
    ...(durables as Record<StageName | 'probe', (request: StageRequest) => Promise<StageRef>>),
    lookup: (call) => orFailure('lookup', () => lookup(services, call)),
    recordRun: ({ record, rows }) =>
      rows === 'all' ? services.store.runs.write(record) : services.store.runs.update(record),
    listVideos: (call) => orFailure('ingest', () => listVideos(services, call)),
  };
}

/** The result of a whole stage if the store has all of it; a damaged one is noted in the run's log of the stage. */
async function lookup(
  services: Services,
  { stage, request }: { readonly stage: string; readonly request: StageRequest },
): Promise<StageRef | null> {
  const config = await readConfig(services.store, request.config);
  const { key } = await keyOf(stages[stage as StageName], { request, config, services });
  const lines: string[] = [];
  const manifest = await reusable(services, stage, key, (line) => lines.push(line));
  if (lines.length > 0) {
    const text = lines.join('\n') + '\n';
    await services.store.runs.writeLog(request.runId, stage, `${key.slice(0, 12)}-damaged`, text);
  }
  if (manifest === null || isAskedAgain(manifest, rerunOf(request, stage))) return null;
  return refOf(services, manifest, 'reused', 0, 0);
}

async function orFailure<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await toFailure(error, Context.current(), name);
  }
}
