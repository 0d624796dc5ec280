import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/artifact-store.js';
import { blobPath } from '../../artifacts/blobs.js';
import { TerminalError } from '../../core/errors.js';
import { bucketName } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';
import { spread, type Spread } from '../side-by-side/statistics.js';
import type { Counted } from './counting-proxy.js';
import { renderMicroClips } from './micro-clips.js';
import { onOwnStack, type OwnStack } from './own-stack.js';
import { startProxiedWorkers, type ProxiedWorkers } from './proxied-workers.js';

export const passes = ['cold', 'reused'] as const;
export type Pass = (typeof passes)[number];

/** What a worker, or all of them, sent to the store and got from it; bytes. */
export interface Traffic {
  readonly pass: Pass;
  readonly worker: string;
  readonly sent: Spread;
  readonly received: Spread;
  /** Both directions over the bytes of the run's artifacts. */
  readonly share: Spread;
}

export interface TrafficResult {
  readonly rounds: number;
  /** Distinct blobs that the run's manifests name, and their bytes. */
  readonly artifacts: { readonly blobs: number; readonly bytes: Spread };
  readonly traffic: readonly Traffic[];
}

/** One round: bytes of the artifacts, and of each worker in each pass. */
interface Round {
  readonly blobs: number;
  readonly bytes: number;
  readonly counted: Readonly<Record<Pass, Readonly<Record<string, Counted>>>>;
}

/** Counts what the workers exchange with the store in a micro run, cold and when all of it is reused; a fresh stack a round. */
export async function measureTraffic(rounds: number, say: (line: string) => void): Promise<TrafficResult> {
  const clips = await mkdtemp(join(tmpdir(), 'bench-clips-'));
  try {
    const annotations = await renderMicroClips(clips);
    const all: Round[] = [];
    while (all.length < rounds) {
      all.push(await onOwnStack((stack) => countRound(stack, annotations), { workers: [] }));
      say(`traffic: round ${all.length} of ${rounds}`);
    }
    return trafficResult(all);
  } finally {
    await rm(clips, { recursive: true, force: true });
  }
}

/** The rounds together: a line for every worker in every pass, and one for all of them. */
export function trafficResult(rounds: readonly Round[]): TrafficResult {
  const traffic = passes.flatMap((pass) => {
    const workers = Object.keys(rounds[0]!.counted[pass]);
    const line = (worker: string, of: (round: Round) => Counted): Traffic => ({
      pass,
      worker,
      sent: spread(rounds.map((round) => of(round).sent)),
      received: spread(rounds.map((round) => of(round).received)),
      share: spread(rounds.map((round) => (of(round).sent + of(round).received) / round.bytes)),
    });
    return [
      ...workers.map((worker) => line(worker, ({ counted }) => counted[pass][worker]!)),
      line('all', ({ counted }) => total(Object.values(counted[pass]))),
    ];
  });
  const { blobs } = rounds[0]!;
  return {
    rounds: rounds.length,
    artifacts: { blobs, bytes: spread(rounds.map(({ bytes }) => bytes)) },
    traffic,
  };
}

const total = (of: readonly Counted[]): Counted => ({
  sent: of.reduce((sum, { sent }) => sum + sent, 0),
  received: of.reduce((sum, { received }) => sum + received, 0),
});

async function countRound(stack: OwnStack, annotations: string): Promise<Round> {
  const workers = await startProxiedWorkers(stack);
  try {
    const cold = await countRun(stack, workers, annotations, 'ran');
    const reused = await countRun(stack, workers, annotations, 'reused');
    const digests = await artifactsOf(stack.store, cold.runId);
    const folder = join(homePaths(stack.home).s3, bucketName, 'blobs', 'sha256');
    const sizes = await Promise.all(
      [...digests].map(async (digest) => (await stat(join(folder, blobPath(digest)))).size),
    );
    return {
      blobs: digests.size,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      counted: { cold: cold.counted, reused: reused.counted },
    };
  } finally {
    await workers.close();
  }
}

async function countRun(
  stack: OwnStack,
  workers: ProxiedWorkers,
  annotations: string,
  expected: 'ran' | 'reused',
): Promise<{ readonly runId: string; readonly counted: Readonly<Record<string, Counted>> }> {
  const before = workers.counted();
  const runId = await stack.run(annotations);
  const { status, reason, stages } = await stack.finish(runId);
  const others = stages.filter(({ outcome }) => outcome !== expected).map(({ name }) => name);
  if (status !== 'done' || others.length > 0)
    throw new TerminalError(
      'bench.failed',
      `${runId} is ${status}, not ${expected}: ${others.join(', ')}; ${reason}`,
    );
  const counted = Object.entries(workers.counted()).map(([worker, { sent, received }]) => {
    const { sent: sentBefore, received: receivedBefore } = before[worker as keyof typeof before];
    return [worker, { sent: sent - sentBefore, received: received - receivedBefore }] as const;
  });
  return { runId, counted: Object.fromEntries(counted) };
}

/** Digests of all blobs that the manifests of a run name, shards' included. */
async function artifactsOf({ objects, manifests }: ArtifactStore, runId: string): Promise<Set<string>> {
  const digests = new Set<string>();
  for (const name of await objects.list(`runs/${runId}/refs/`)) {
    const ref = JSON.parse((await objects.read(name))!.toString()) as { stage: string; key: string };
    const { outputs, blobs } = await manifests.get(ref.stage, ref.key);
    for (const { digest } of Object.values(outputs)) digests.add(digest);
    for (const digest of blobs) digests.add(digest);
  }
  return digests;
}
