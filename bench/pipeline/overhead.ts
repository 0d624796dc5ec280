import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import { TerminalError } from '../../core/errors.js';
import { homePaths } from '../../stack/home.js';
import { payloadConverter } from '../../stack/payload-encryption/data-converter.js';
import { spread, type Spread } from '../side-by-side/statistics.js';
import { CallTimes, callKinds, type CallKind, type TimedCall } from './call-times.js';
import { renderMicroClips } from './micro-clips.js';
import { onOwnStack, type OwnStack } from './own-stack.js';
import { prepareRecording, recordRun, type RecordedRun } from './recorded-run.js';
import { activitiesOf, recordedStages } from './recorded-stages.js';
import { RememberedAnswers } from './remembered-answers.js';
import { shardTimes, type ShardTime } from './shard-times.js';

/** Activities at once, per queue: one after the other, and as many as keep a small machine busy. */
const concurrencies = [1, 4] as const;
/** More samples make larger shards, not more of them that would tell more. */
export const mostSamples = 2000;
/** The least that a shard of the media queue holds. */
const shardSize = 32;
const patienceMs = 600_000;

/** What activities cost with Temporal alone: they answer at once, from memory. */
export interface TemporalOverhead {
  readonly concurrency: number;
  /** In one run. */
  readonly activities: number;
  /** Wall time of a run over its activities; of the rounds. */
  readonly seconds: Spread;
}

/** What the store takes of an activity's time: keys, lookups, publishing; all but the stage's own work. */
export interface StoreOverhead {
  readonly kind: CallKind;
  /** In all rounds. */
  readonly calls: number;
  readonly seconds: Spread;
}

/** Shards on the stack's real media worker; see {@link ShardTime}. */
export interface ShardOverhead {
  readonly stage: string;
  readonly shards: number;
  readonly whole: Spread;
  readonly work: Spread;
  /** What is left of the whole without the work. */
  readonly added: Spread;
}

export interface OverheadResult {
  readonly samples: number;
  readonly rounds: number;
  /** Activities at once while the store's part was timed. */
  readonly storeConcurrency: number;
  readonly temporal: readonly TemporalOverhead[];
  readonly store: readonly StoreOverhead[];
  readonly shardSize: number;
  readonly shardsAtOnce: number;
  readonly shards: readonly ShardOverhead[];
}

/** Times what Temporal and the store add to the work of activities and of shards; `samples` at most {@link mostSamples}. */
export function measureOverhead(
  samples: number,
  rounds: number,
  say: (line: string) => void,
): Promise<OverheadResult> {
  const count = Math.min(samples, mostSamples);
  return onOwnStack(
    async (stack) => {
      const recorded = await prepareRecording(homePaths(stack.home), count);
      const calls: TimedCall[] = [];
      const walls = concurrencies.map((): { activities: number; seconds: number[] } => ({
        activities: 0,
        seconds: [],
      }));
      const shards: ShardTime[] = [];
      for (let round = 1; round <= rounds; round++) {
        const { answers, times } = await withStore(stack, recorded, round);
        calls.push(...times.calls);
        for (const [index, concurrency] of concurrencies.entries()) {
          const { activities, seconds } = await withoutStore(stack, recorded, round, answers, concurrency);
          walls[index]!.activities = activities;
          walls[index]!.seconds.push(seconds / activities);
        }
        shards.push(...(await realShards(stack, round)));
        const perActivity = walls.map(({ seconds }) => `${(1000 * seconds.at(-1)!).toFixed(1)} ms`);
        say(`overhead: round ${round} of ${rounds}: Temporal ${perActivity.join(' and ')} an activity`);
      }
      return {
        samples: count,
        rounds,
        storeConcurrency: concurrencies.at(-1)!,
        temporal: walls.map(({ activities, seconds }, index) => ({
          concurrency: concurrencies[index]!,
          activities,
          seconds: spread(seconds),
        })),
        store: storeOverhead(calls),
        shardSize,
        shardsAtOnce: availableParallelism(),
        shards: shardOverhead(shards),
      };
    },
    // Nobody trains: the runs are only as good as their shards.
    { workers: ['orchestrate', 'media'] },
  );
}

/** What is left of the calls without the stages' work, by what they were for. */
export function storeOverhead(calls: readonly TimedCall[]): StoreOverhead[] {
  return callKinds.flatMap((kind) => {
    const of = kind === 'listing' ? [] : calls.filter((call) => call.kind === kind);
    const seconds = of.map((call) => call.seconds - call.work);
    return of.length === 0 ? [] : [{ kind, calls: of.length, seconds: spread(seconds) }];
  });
}

/** The shards of each stage together, in the order in which the stages come. */
export function shardOverhead(shards: readonly ShardTime[]): ShardOverhead[] {
  return [...new Set(shards.map(({ stage }) => stage))].map((stage) => {
    const of = shards.filter((shard) => shard.stage === stage);
    return {
      stage,
      shards: of.length,
      whole: spread(of.map(({ whole }) => whole)),
      work: spread(of.map(({ work }) => work)),
      added: spread(of.map(({ whole, work }) => whole - work)),
    };
  });
}

/** A recorded run into an empty part of the store; its activities' times. */
async function withStore(
  { home, endpoints }: OwnStack,
  recorded: RecordedRun,
  round: number,
): Promise<{ readonly answers: RememberedAnswers; readonly times: CallTimes }> {
  const { cacheDir } = homePaths(home);
  const name = `overhead-${round}`;
  const store = new ArtifactStore({ ...endpoints.store, prefix: `${name}/` }, join(cacheDir, name));
  const times = new CallTimes();
  try {
    const stages = recordedStages(recorded.prototypes).map((stage) => times.stage(stage));
    const answers = new RememberedAnswers(
      times.activities(activitiesOf({ store, cacheDir, trainer: null }, stages)),
    );
    await recordRun(endpoints.temporal.address, recorded, {
      namespace: name,
      store,
      activities: answers.remembering,
      concurrency: concurrencies.at(-1)!,
    });
    return { answers, times };
  } finally {
    store.close();
  }
}

/** The same run again, with the answers of the first. */
async function withoutStore(
  { endpoints, store }: OwnStack,
  recorded: RecordedRun,
  round: number,
  answers: RememberedAnswers,
  concurrency: number,
): Promise<{ readonly activities: number; readonly seconds: number }> {
  const before = answers.given;
  const seconds = await recordRun(endpoints.temporal.address, recorded, {
    namespace: `overhead-${round}-at-once-${concurrency}`,
    store,
    activities: answers.giving,
    concurrency,
  });
  return { activities: answers.given - before, seconds };
}

/** Shards of a real run, no more at once than the media worker takes, so that none waits for another. */
async function realShards(stack: OwnStack, round: number): Promise<ShardTime[]> {
  const clips = await mkdtemp(join(tmpdir(), 'bench-clips-'));
  const connection = await Connection.connect(stack.endpoints.temporal.connection);
  try {
    const sft = shardSize * availableParallelism();
    const counts = { sft, reflect: 0, rl: 0, val: 0, test: 0 };
    const runId = await stack.run(await renderMicroClips(clips, { seed: round, counts }));
    await annotated(stack, runId);
    const { namespace } = stack.endpoints.temporal;
    const client = new Client({ connection, namespace, dataConverter: payloadConverter() });
    const phases = ['ingest', 'annotation'].map((phase) => `${runId}/${phase}`);
    const home = homePaths(stack.home);
    return (await Promise.all(phases.map((id) => shardTimes(client, home, id)))).flat();
  } finally {
    await connection.close();
    await rm(clips, { recursive: true, force: true });
  }
}

async function annotated({ api }: OwnStack, runId: string): Promise<void> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(500)) {
    const { status, reason, stages } = await api.snapshot(runId);
    if (stages.find(({ name }) => name === 'reasoning')?.status === 'done') return;
    if (status !== 'running') throw new TerminalError('bench.failed', `${runId} is ${status}: ${reason}`);
  }
  throw new TerminalError('bench.failed', `${runId} was not annotated in ${patienceMs / 1000} s`);
}
