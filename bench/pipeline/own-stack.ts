import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import type { RunApi, RunSnapshot } from '../../cli/run-api.js';
import { connectRunApi } from '../../cli/run-client.js';
import { loadConfig } from '../../config/load.js';
import { TerminalError } from '../../core/errors.js';
import { bringDown } from '../../stack/down.js';
import type { Endpoints } from '../../stack/endpoints.js';
import { homePaths, type Home } from '../../stack/home.js';
import { lockHolder, supervisorLock } from '../../stack/lock.js';
import { stackStatus } from '../../stack/status.js';
import { ensureUp } from '../../stack/up.js';
import { workerCommands, workerProcesses, type WorkerCommand } from '../../stack/workers.js';
import type { WorkerKind } from '../../workers/main.js';
import { startAnotherWorker } from '../another-worker.js';
import { childrenOf } from './processes.js';
import { trainedStep } from './trained-step.js';

export interface OwnStackOptions {
  /** Names of the workers to start; all of them by default. */
  readonly workers?: readonly string[];
  /** Does something to the home before the stack is started in it. */
  readonly prepare?: (home: Home) => void;
}

/**
 * A stack in a fresh home, for a measurement or a test alone: an empty store, so that nothing is reused by accident, and
 * processes that may be killed. This process follows that home from then on.
 */
export class OwnStack {
  #halted = false;
  readonly #workers: ChildProcess[] = [];

  private constructor(
    readonly home: string,
    readonly endpoints: Endpoints,
    readonly api: RunApi,
    readonly store: ArtifactStore,
  ) {}

  static async start({
    workers = workerProcesses,
    prepare = () => undefined,
  }: OwnStackOptions = {}): Promise<OwnStack> {
    const home = await mkdtemp(join(tmpdir(), 'hindsight-own-'));
    prepare(homePaths(home));
    // The client and the command line find the stack of the home that the environment names.
    process.env['HINDSIGHT_HOME'] = home;
    const endpoints = await ensureUp({ home: homePaths(home), workers: only(workers) });
    const blobs = join(homePaths(home).cacheDir, 'blobs');
    return new OwnStack(home, endpoints, await connectRunApi(), new ArtifactStore(endpoints.store, blobs));
  }

  /** Starts the stack again with these workers only; its data stays. */
  async restart(workers: readonly string[]): Promise<void> {
    await ensureUp({ home: homePaths(this.home), workers: only(workers) });
  }

  /** Starts the micro preset on the given clips, with further `--set` assignments. */
  async run(annotations: string, set: readonly string[] = []): Promise<string> {
    const sources = `dataset.sources=[{kind: jsonl, annotations: ${JSON.stringify(annotations)}}]`;
    return this.api.start(await loadConfig('micro', { set: [sources, ...set] }), {});
  }

  /** Waits until the run ends or parks. */
  finish(runId: string, limitMs = 240_000): Promise<RunSnapshot> {
    return this.api.watch(runId, { onUpdate: () => undefined, signal: AbortSignal.timeout(limitMs) });
  }

  /** Waits until a stage runs. */
  async reach(runId: string, stage: string): Promise<void> {
    const deadline = Date.now() + 120_000;
    for (;;) {
      const snapshot = await this.api.snapshot(runId);
      const row = snapshot.stages.find((one) => one.name === stage);
      if (row?.status === 'running') return;
      if (row?.status === 'done' || snapshot.status !== 'running' || Date.now() > deadline) {
        throw failed(`the run was not seen at ${stage}: ${JSON.stringify(snapshot, null, 1)}`);
      }
      await sleep(50);
    }
  }

  /** Waits until a phase of a training has made so many steps, and gives back how many it has. */
  async reachStep(phase: string, least = 1): Promise<number> {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(20)) {
      const step = await trainedStep(homePaths(this.home), phase);
      if (step !== null && step >= least) return step;
    }
    throw failed(`step ${least} of ${phase} was not seen`);
  }

  /** Process id of `supervisor`, `temporal`, the gateway `s3`, a worker, or of the `trainer` child. */
  async pidOf(name: string): Promise<number> {
    if (name === 'trainer') {
      const gpu = await this.pidOf('gpu');
      // The first training of a worker starts its child; until then there is nothing to kill.
      for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
        const [child] = childrenOf(gpu);
        if (child !== undefined) return child;
      }
      throw failed('the gpu worker has no trainer child');
    }
    const home = homePaths(this.home);
    if (name === 'supervisor') {
      const holder = lockHolder(supervisorLock(home));
      if (holder === null) throw failed('no supervisor runs');
      return holder.pid;
    }
    const { processes } = await stackStatus(home);
    const pid = processes.find((process) => process.name === name)?.identity?.pid;
    if (pid === undefined)
      throw failed(`${name} does not run: ${processes.map((one) => one.name).join(', ')}`);
    return pid;
  }

  /** Starts another worker beside those of the supervisor, as another machine of a cluster would; on a GPU of its own. */
  startWorker(kind: WorkerKind): ChildProcess {
    const worker = startAnotherWorker(homePaths(this.home), kind);
    this.#workers.push(worker);
    return worker;
  }

  /** Every object below a prefix with its bytes. */
  async objects(prefix: string): Promise<Record<string, string>> {
    const names = await this.store.objects.list(prefix);
    const bytes = await Promise.all(names.map((name) => this.store.objects.read(name)));
    return Object.fromEntries(names.map((name, index) => [name, bytes[index]?.toString('utf8') ?? '']));
  }

  async stop(): Promise<void> {
    await this.halt();
    await this.remove();
  }

  /** Ends the stack; its home stays. Once is enough. */
  async halt(): Promise<void> {
    if (this.#halted) return;
    this.#halted = true;
    for (const worker of this.#workers) worker.kill('SIGKILL');
    await this.api.close();
    this.store.close();
    await bringDown({ home: homePaths(this.home) });
  }

  async remove(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Runs `work` on a fresh stack that is gone afterwards; this process then follows the home of before. */
export async function onOwnStack<T>(
  work: (stack: OwnStack) => Promise<T>,
  options: OwnStackOptions = {},
): Promise<T> {
  const before = process.env['HINDSIGHT_HOME'];
  try {
    const stack = await OwnStack.start(options);
    try {
      return await work(stack);
    } finally {
      await stack.stop();
    }
  } finally {
    if (before === undefined) delete process.env['HINDSIGHT_HOME'];
    else process.env['HINDSIGHT_HOME'] = before;
  }
}

const failed = (what: string): TerminalError => new TerminalError('bench.failed', what);

function only(names: readonly string[]): WorkerCommand[] {
  return workerCommands().filter(({ name }) => names.includes(name));
}
