import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { execa } from 'execa';
import { TerminalError } from '../../core/errors.js';
import { packageRoot } from '../../core/package-root.js';
import { identify, isAlive } from '../../stack/process-identity.js';
import { payloadConverter } from '../../stack/payload-encryption/data-converter.js';
import { spread, type Spread } from '../side-by-side/statistics.js';
import { renderMicroClips } from './micro-clips.js';
import { onOwnStack, type OwnStack } from './own-stack.js';
import { shardsAtWork, trainingAtWork, type AtWork } from './at-work.js';

/** Every kind of process; work of the llm queue is the embedded teacher's and runs on `media`. */
export const victims = ['media', 'gpu', 'trainer', 'orchestrate', 'temporal', 's3', 'supervisor'] as const;
export type Victim = (typeof victims)[number];

/** Far more steps than are made until the run is cancelled. */
const longTraining = ['sft.steps=100000', 'sft.validationEvery=100000'];
/** Steps between two checkpoints: what a training may have to make again. */
export const checkpointEvery = 25;
/** Shards of 32 clips that there are to be worked on when the media worker is killed. */
export const mediaShards = 6;
const patienceMs = 180_000;
const lookMs = 20;
/** With these the trainer ends. */
const endTraining: readonly Victim[] = ['gpu', 'trainer', 'supervisor'];

/** Seconds from `kill -9` on. */
export interface Recovery {
  /** Until the work itself is further than it was at the kill. */
  readonly work: number;
  /** Until store, workflow and heartbeats say so, to anybody who asks. */
  readonly told: number;
}

export interface KillResult {
  readonly victim: Victim;
  readonly work: Spread;
  readonly told: Spread;
}

export interface KillsResult {
  readonly rounds: number;
  readonly checkpointEvery: number;
  readonly mediaShards: number;
  readonly kills: readonly KillResult[];
}

/** Kills every kind of process once a round, on one stack, while a run is at work that needs it. */
export function measureKills(rounds: number, say: (line: string) => void): Promise<KillsResult> {
  return onOwnStack(async (stack) => {
    const clips = await mkdtemp(join(tmpdir(), 'bench-clips-'));
    const connection = await Connection.connect(stack.endpoints.temporal.connection);
    const { namespace } = stack.endpoints.temporal;
    const client = new Client({ connection, namespace, dataConverter: payloadConverter() });
    try {
      const annotations = await renderMicroClips(join(clips, 'training'));
      const recoveries = new Map(victims.map((victim): [Victim, Recovery[]] => [victim, []]));
      for (let round = 1; round <= rounds; round++) {
        for (const [index, victim] of victims.entries()) {
          const seed = round * victims.length + index;
          const atWork =
            victim === 'media'
              ? await annotating(stack, client, join(clips, `media-${round}`), seed)
              : await training(stack, client, annotations, seed);
          const recovery = await kill(stack, victim, atWork);
          recoveries.get(victim)!.push(recovery);
          const { work, told } = recovery;
          say(
            `kills: round ${round} of ${rounds}: ${victim}: work ${work.toFixed(1)} s, told ${told.toFixed(1)} s`,
          );
          await cancelled(stack, atWork.runId);
        }
      }
      const kills = [...recoveries].map(([victim, of]) => ({
        victim,
        work: spread(of.map(({ work }) => work)),
        told: spread(of.map(({ told }) => told)),
      }));
      return { rounds, checkpointEvery, mediaShards, kills };
    } finally {
      await connection.close();
      await rm(clips, { recursive: true, force: true });
    }
  });
}

/** A run whose first training has a checkpoint and goes on for long. */
async function training(stack: OwnStack, client: Client, clips: string, seed: number): Promise<AtWork> {
  const set = [...longTraining, `sft.checkpointEvery=${checkpointEvery}`, `seed.train=${seed}`];
  const runId = await stack.run(clips, set);
  // Not always just after a checkpoint.
  await stack.reachStep('sft', 2 * checkpointEvery + ((7 * seed) % checkpointEvery));
  return trainingAtWork(stack, client, runId);
}

/** A run with shards in work, some of them done and more to come. */
async function annotating(stack: OwnStack, client: Client, clips: string, seed: number): Promise<AtWork> {
  const counts = { sft: 32 * mediaShards, reflect: 0, rl: 0, val: 0, test: 0 };
  const annotations = await renderMicroClips(clips, { seed, counts });
  const before = await shardsAtWork(stack, client, '').work();
  const runId = await stack.run(annotations);
  const atWork = shardsAtWork(stack, client, runId);
  await until('no shard was finished', async () => (await atWork.work()) > before);
  return {
    ...atWork,
    // The store also holds the shards of earlier runs.
    work: async () => (await atWork.work()) - before,
  };
}

async function kill(stack: OwnStack, victim: Victim, atWork: AtWork): Promise<Recovery> {
  const pid = await stack.pidOf(victim);
  const dying = endTraining.includes(victim) ? identify(await stack.pidOf('trainer')) : null;
  process.kill(pid, 'SIGKILL');
  const killedAt = performance.now();
  const up = victim === 'supervisor' ? hindsightUp() : Promise.resolve();
  let before = await atWork.work();
  // Until the trainer is gone as well it may make a step more, which is not yet one after the kill.
  while (dying !== null && isAlive(dying)) {
    before = Math.max(before, await atWork.work());
    await sleep(lookMs);
  }
  before = Math.max(before, await atWork.work());
  const further = async (look: () => Promise<number>): Promise<number> => {
    await until(`no progress after kill -9 of ${victim}`, async () => (await look()) > before);
    return (performance.now() - killedAt) / 1000;
  };
  const [work, told] = await Promise.all([further(atWork.work), further(atWork.told), up]);
  return { work, told };
}

/** What a person does where nothing is left that could start anything again. */
async function hindsightUp(): Promise<void> {
  const script = join(packageRoot, 'dist', 'cli', 'main.js');
  const { exitCode, stderr } = await execa(process.execPath, [script, 'up'], { reject: false });
  if (exitCode !== 0)
    throw new TerminalError('bench.failed', `hindsight up ended with ${exitCode}: ${stderr}`);
}

async function cancelled({ api }: OwnStack, runId: string): Promise<void> {
  await api.cancel(runId);
  const signal = AbortSignal.timeout(patienceMs);
  const { status } = await api.watch(runId, { onUpdate: () => undefined, signal });
  if (status !== 'cancelled')
    throw new TerminalError('bench.failed', `${runId} is ${status} after it was cancelled`);
}

async function until(failure: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await isSo()); await sleep(lookMs)) {
    if (Date.now() > deadline)
      throw new TerminalError('bench.failed', `${failure} in ${patienceMs / 1000} s`);
  }
}
