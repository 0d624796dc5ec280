import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StageSnapshot } from '../../cli/run-api.js';
import { TerminalError } from '../../core/errors.js';
import { residentMemory } from '../memory/resident-memory.js';
import { courseOf, type Course, type MemorySample } from './flatness.js';
import { renderMicroClips } from './micro-clips.js';
import { onOwnStack, type OwnStack } from './own-stack.js';
import { judgeMemory, type Verdict } from './targets.js';

export const watched = ['orchestrate', 'media', 'gpu', 'trainer'] as const;
export type Watched = (typeof watched)[number];

/** Runs before the window: code is compiled, and the 50 workflows are there that the workflow worker keeps in memory. */
const warmUpRuns = 14;
/** Whether a draft of a hardly trained policy ends is luck, and with none a run parks. */
const withoutDrafts = 'stages=[sft, grpo]';
const sampleMs = 1000;

export interface MemoryResult {
  readonly minutes: number;
  readonly warmUpRuns: number;
  /** Runs that ended within the window, and the shards that they worked on. */
  readonly runs: number;
  readonly shards: number;
  readonly processes: Readonly<Record<Watched, Course>>;
  readonly verdicts: readonly Verdict[];
}

/** Follows the workers' resident memory over `minutes` of micro runs that share nothing. */
export function measureMemory(minutes: number, say: (line: string) => void): Promise<MemoryResult> {
  return onOwnStack(async (stack) => {
    const clips = await mkdtemp(join(tmpdir(), 'bench-clips-'));
    try {
      let seed = 0;
      const run = async (): Promise<number> => {
        seed++;
        const shards = await freshRun(stack, join(clips, String(seed)), seed);
        say(`memory: run ${seed} is done, ${shards} shards`);
        return shards;
      };
      while (seed < warmUpRuns) await run();
      const watch = new MemoryWatch(await pidsOf(stack));
      let shards = 0;
      try {
        while (watch.seconds < 60 * minutes) {
          shards += await run();
          watch.throwFailure();
        }
      } finally {
        watch.stop();
      }
      const processes = watch.courses();
      return {
        minutes,
        warmUpRuns,
        runs: seed - warmUpRuns,
        shards,
        processes,
        verdicts: judgeMemory(processes),
      };
    } finally {
      await rm(clips, { recursive: true, force: true });
    }
  });
}

/** A micro run of clips and weights that were never there before; gives back the number of its shards. */
async function freshRun(stack: OwnStack, clips: string, seed: number): Promise<number> {
  const annotations = await renderMicroClips(clips, { seed });
  const seeds = ['data', 'train', 'eval'].map((name) => `seed.${name}=${seed}`);
  const runId = await stack.run(annotations, [withoutDrafts, ...seeds]);
  const { status, reason, stages } = await stack.finish(runId);
  await rm(clips, { recursive: true, force: true });
  const others = stages.filter(({ outcome }) => outcome !== 'ran').map(({ name }) => name);
  if (status !== 'done' || others.length > 0)
    throw new TerminalError(
      'bench.failed',
      `${runId} is ${status}, not anew: ${others.join(', ')}; ${reason}`,
    );
  return shardsBehind(stack, stages);
}

async function pidsOf(stack: OwnStack): Promise<Readonly<Record<Watched, number>>> {
  const pids = await Promise.all(watched.map(async (name) => [name, await stack.pidOf(name)] as const));
  return Object.fromEntries(pids) as Record<Watched, number>;
}

/** Shards behind the stages of a finished run. */
async function shardsBehind({ store }: OwnStack, stages: readonly StageSnapshot[]): Promise<number> {
  // A report names there what it is drawn from.
  const sharded = stages.filter(({ name }) => name !== 'report');
  const manifests = sharded.map(({ name, key }) => store.manifests.get(name, key!));
  return (await Promise.all(manifests)).reduce((sum, { shards }) => sum + shards.length, 0);
}

/** Looks at some processes once a second. */
class MemoryWatch {
  readonly #startedAt = performance.now();
  readonly #samples: Record<Watched, MemorySample[]> = { orchestrate: [], media: [], gpu: [], trainer: [] };
  #failure: TerminalError | null = null;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly pids: Readonly<Record<Watched, number>>) {
    this.#timer = setInterval(() => this.#look(), sampleMs);
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  /** TerminalError `bench.failed` when one of the processes has ended: what another one holds says nothing of it. */
  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  courses(): Readonly<Record<Watched, Course>> {
    this.throwFailure();
    const courses = watched.map((name) => [name, courseOf(this.#samples[name])] as const);
    return Object.fromEntries(courses) as Record<Watched, Course>;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const name of watched) {
      try {
        this.#samples[name].push({ seconds: this.seconds, bytes: residentMemory(this.pids[name]).now });
      } catch (cause) {
        const what = `${name} (process ${this.pids[name]}) has ended`;
        this.#failure ??= new TerminalError('bench.failed', what, { cause });
      }
    }
  }
}
