import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunApi, RunSnapshot } from '../../cli/run-api.js';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import { connectRunApi } from '../../cli/run-client.js';
import { loadConfig } from '../../config/load.js';
import { parseJsonl } from '../../core/jsonl.js';
import { bringDown } from '../../stack/down.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { homePaths, type Home } from '../../stack/home.js';
import { embeddedEnvironment } from '../../stack/environment.js';
import { stackStatus } from '../../stack/status.js';
import { ensureUp } from '../../stack/up.js';
import { workerCommands, workerProcesses, type WorkerCommand } from '../../stack/workers.js';
import { writeSyntheticDataset } from '../../video/synthetic/write-dataset.js';

/** Clips of the micro run: every split present, few enough for a run of well under a minute. */
const counts = { sft: 12, reflect: 4, rl: 6, val: 2, test: 8 };

/** Renders the clips of the micro run; returns the path of their annotation file. */
export async function renderMicroClips(dir: string): Promise<string> {
  const { annotations } = await writeSyntheticDataset({ dir, seed: 7, counts });
  return annotations;
}

/** A stack of this test's own, in a fresh home: an empty store, so that nothing is reused by accident. */
export class OwnStack {
  #halted = false;
  readonly #workers: ChildProcess[] = [];

  private constructor(
    readonly home: string,
    readonly api: RunApi,
    readonly store: ArtifactStore,
  ) {}

  /** With all workers, or with those named only; `prepare` may do something to the home before the stack is started in it. */
  static async start({
    workers = workerProcesses,
    prepare = () => undefined,
  }: {
    readonly workers?: readonly string[];
    readonly prepare?: (home: Home) => void;
  } = {}): Promise<OwnStack> {
    const home = await mkdtemp(join(tmpdir(), 'hindsight-kill-'));
    prepare(homePaths(home));
    // The client and the command line find the stack of the home that the environment names.
    process.env['HINDSIGHT_HOME'] = home;
    await ensureUp({ home: homePaths(home), workers: only(workers) });
    const { store } = await loadEndpoints();
    const blobs = join(homePaths(home).cacheDir, 'blobs');
    return new OwnStack(home, await connectRunApi(), new ArtifactStore(store, blobs));
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
        throw new Error(`the run was not seen at ${stage}: ${JSON.stringify(snapshot, null, 1)}`);
      }
      await sleep(50);
    }
  }

  /** Waits until a phase has made steps, and gives back how many: from the log in the trainer's work folder, the first to know. */
  async reachStep(phase: string): Promise<number> {
    const work = join(homePaths(this.home).cacheDir, 'work');
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(20)) {
      for (const folder of await readdir(work).catch(() => [])) {
        const text = await readFile(join(work, folder, 'log.jsonl'), 'utf8').catch(() => '');
        // The last line may still be on its way.
        const row = parseJsonl(text.slice(0, text.lastIndexOf('\n') + 1), 'log.jsonl').at(-1);
        const { phase: at, step } = (row ?? {}) as { phase?: string; step?: number };
        if (at === phase && step !== undefined) return step;
      }
    }
    throw new Error(`no step of ${phase} was seen`);
  }

  /** Process id of `temporal`, `gateway`, a worker, or of the trainer child. */
  async pidOf(name: string): Promise<number> {
    if (name === 'trainer') {
      const gpu = await this.pidOf('gpu');
      // The first training of a worker starts its child; until then there is nothing to kill.
      for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(20)) {
        const [child] = childrenOf(gpu);
        if (child !== undefined) return child;
      }
      throw new Error('the gpu worker has no trainer child');
    }
    const { processes } = await stackStatus(homePaths(this.home));
    const pid = processes.find((process) => process.name === name)?.identity?.pid;
    if (pid === undefined)
      throw new Error(`${name} does not run: ${processes.map((one) => one.name).join(', ')}`);
    return pid;
  }

  /** Starts another worker beside those of the supervisor, as another machine of a cluster would; on a GPU of its own. */
  startWorker(kind: string): ChildProcess {
    const { command, args } = workerCommands().find(({ name }) => name === kind)!;
    const home = homePaths(this.home);
    const worker = spawn(command, args, {
      env: { ...embeddedEnvironment(home), TMPDIR: home.temporary, CUDA_VISIBLE_DEVICES: '1' },
      stdio: 'ignore',
    });
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

function only(names: readonly string[]): WorkerCommand[] {
  return workerCommands().filter(({ name }) => names.includes(name));
}

/** Direct children of a process, from /proc. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        // Ended meanwhile.
        return false;
      }
    })
    .map(Number);
}

/** Living processes that belong to a home, by their environment or command line, with that command line. */
export function processesOf(home: string): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
        const isOurs = command !== '' && (command.includes(home) || environment.includes(home));
        return isOurs ? [{ pid: Number(name), command }] : [];
      } catch {
        // Ended meanwhile, or another user's.
        return [];
      }
    });
}

/** Stage -> output -> digest: what two runs must agree on. */
export function digestsOf(snapshot: RunSnapshot): Record<string, Readonly<Record<string, string>>> {
  return Object.fromEntries(snapshot.stages.map(({ name, outputs }) => [name, outputs]));
}
