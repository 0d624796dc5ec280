import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { materializeCheckpoint } from '../activities/checkpoint-artifact.js';
import { ArtifactStore } from '../artifacts/artifact-store.js';
import type { Reruns } from '../artifacts/rerun.js';
import type { RunRecord } from '../artifacts/runs.js';
import type { CheckpointStage } from '../config/evaluation.js';
import type { LoadedConfig } from '../config/load.js';
import type { ResolvedRun } from '../config/schema.js';
import type { Json } from '../core/canonical-json.js';
import { RetryableError, TerminalError } from '../core/errors.js';
import { Comparison } from '../evaluation/compare.js';
import { EvaluationResult } from '../evaluation/result.js';
import { connectionFailure } from '../stack/connection-failure.js';
import { loadEndpoints, storeAddress, type Endpoints } from '../stack/endpoints.js';
import { homePaths, type Home } from '../stack/home.js';
import { payloadConverter } from '../stack/payload-encryption/data-converter.js';
import { workflowBundleDigest } from '../workers/workflow-bundle.js';
import type { PipelineInput } from '../workflows/contract.js';
import { chooseCheckpoint } from './choose-checkpoint.js';
import { codeVersion } from './code-version.js';
import { pipelineInput } from './pipeline-input.js';
import { ownRow } from './own-row.js';
import { runExists, runIsRunning } from './run-errors.js';
import { newRunId } from './run-id.js';
import type { ConnectRunApi, RunApi, RunListEntry, RunPlan, RunSnapshot } from './run-api.js';
import { pauseAfter } from './live/look-pause.js';
import { RunLooks } from './live/run-looks.js';

/** A store that is away for longer than this ends the watching, not the run. */
const storeAwayMs = 120_000;
/** How long a verb waits for Temporal. */
const connectMs = 5000;

/** Connects to the stack's Temporal and store. */
export const connectRunApi: ConnectRunApi = async () => {
  const dataConverter = payloadConverter();
  const endpoints = await loadEndpoints();
  // What the store says is worth showing while Temporal is away: verbs that need it connect themselves.
  const connection = Connection.lazy({ ...endpoints.temporal.connection, connectTimeout: connectMs });
  const client = new Client({ connection, namespace: endpoints.temporal.namespace, dataConverter });
  const home = homePaths();
  const store = new ArtifactStore(endpoints.store, join(home.cacheDir, 'blobs'));
  return new RunClient(connection, client, store, home, endpoints);
};

class RunClient implements RunApi {
  readonly endpoints: RunApi['endpoints'];
  readonly #looks: RunLooks;

  constructor(
    private readonly connection: Connection,
    private readonly client: Client,
    private readonly store: ArtifactStore,
    private readonly home: Home,
    private readonly reached: Endpoints,
  ) {
    this.#looks = new RunLooks(client, store, home, reached);
    const { temporal } = reached;
    this.endpoints = {
      temporal: `${temporal.address} (${temporal.namespace})`,
      store: storeAddress(reached.store),
    };
  }

  async start(
    loaded: LoadedConfig,
    { runId, reruns = {} }: { readonly runId?: string; readonly reruns?: Reruns },
  ): Promise<string> {
    await this.#reachTemporal();
    const id = runId ?? newRunId(loaded.config.name);
    if ((await this.store.runs.read(id)) !== null) throw runExists(id);
    const { config, prompts, variants } = loaded;
    await this.#launch(id, { config, prompts, variants }, reruns);
    return id;
  }

  async resume(
    runId: string,
    { resolved, reruns = {} }: { readonly resolved?: ResolvedRun; readonly reruns?: Reruns },
  ): Promise<void> {
    await this.#reachTemporal();
    const record = await this.#looks.current(runId);
    const handle = this.client.workflow.getHandle(runId);
    const execution = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    });
    const open = execution?.status.name === 'RUNNING';
    if (open && record.status === 'running') throw runIsRunning(runId);
    const asIs = resolved === undefined && Object.keys(reruns).length === 0;
    // One that is open though its record has ended (cancelled, say) is about to close: there is nothing to wake.
    const isParked = open && record.status === 'awaiting';
    if (isParked && asIs && execution.memo?.bundle === (await workflowBundleDigest())) {
      if (await this.#wake(handle, record)) return;
    }
    // Artifacts make a fresh execution cheap, and an old history never meets new code.
    if (open) await handle.terminate('resumed under a new execution').catch(unlessClosed);
    const pending = await this.pendingReruns(runId);
    await this.#launch(runId, resolved ?? (await this.configOf(runId)), { ...pending, ...reruns });
  }

  /** Has a parked run go on; false where it has ended since it was looked at. */
  async #wake(handle: WorkflowHandle, { runId, updatedAt }: RunRecord): Promise<boolean> {
    try {
      await handle.executeUpdate('retry');
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) {
        throw new TerminalError('run.not-parked', error.cause?.message ?? error.message, { cause: error });
      }
      unlessClosed(error);
      return false;
    }
    // The record still says `awaiting` until the workflow has written the next one.
    await this.#waitFor(runId, (now) => now.updatedAt !== updatedAt);
    return true;
  }

  async configOf(runId: string): Promise<ResolvedRun> {
    const { config } = await this.#looks.record(runId);
    const { readResolvedRun } = await import('../config/recorded-run.js');
    return readResolvedRun(JSON.parse(await this.store.blobs.getText(config)));
  }

  async pendingReruns(runId: string): Promise<Reruns> {
    const { status, reruns } = await this.#looks.record(runId);
    return status === 'done' ? {} : reruns;
  }

  async plan(resolved: ResolvedRun, reruns: Reruns = {}): Promise<RunPlan> {
    // The code of all stages takes longer to load than `list` takes as a whole.
    const { planRun } = await import('./plan.js');
    return planRun(this.store, this.home.root, resolved, reruns);
  }

  async watch(
    runId: string,
    {
      onUpdate,
      signal,
    }: { readonly onUpdate: (snapshot: RunSnapshot) => void; readonly signal: AbortSignal },
  ): Promise<RunSnapshot> {
    let last = '';
    let answeredAt = Date.now();
    for (;;) {
      const lookedAt = performance.now();
      try {
        const snapshot = await this.snapshot(runId);
        answeredAt = Date.now();
        const text = JSON.stringify(snapshot);
        if (text !== last) onUpdate(snapshot);
        last = text;
        if (snapshot.status !== 'running' || signal.aborted) return snapshot;
      } catch (error) {
        // The run outlives a store that is away for a while, and so does whoever watches it.
        const isAway = error instanceof RetryableError && Date.now() - answeredAt < storeAwayMs;
        if (!isAway || signal.aborted) throw error;
      }
      await sleep(pauseAfter(performance.now() - lookedAt), undefined, { signal }).catch(() => undefined);
    }
  }

  snapshot(runId: string): Promise<RunSnapshot> {
    return this.#looks.snapshot(runId);
  }

  list(): Promise<readonly RunListEntry[]> {
    return this.#looks.list();
  }

  async cancel(runId: string): Promise<void> {
    await this.#reachTemporal();
    // Not the record: a workflow that was ended from outside left it open.
    const { status } = await this.snapshot(runId);
    if (status !== 'running' && status !== 'awaiting') {
      throw new TerminalError('run.not-running', `run ${runId} is ${status}; there is nothing to cancel`);
    }
    await this.client.workflow.getHandle(runId).cancel();
  }

  async *logs(
    runId: string,
    {
      stage,
      follow,
      signal,
    }: { readonly stage?: string; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<string> {
    const shown = new Set<string>();
    for (;;) {
      const { status } = follow ? await this.snapshot(runId) : await this.#looks.record(runId);
      for (const name of await this.store.runs.logs(runId, stage)) {
        if (shown.has(name)) continue;
        shown.add(name);
        const part = name.slice(`runs/${runId}/logs/`.length, -'.log'.length);
        for (const line of (await this.store.runs.readLog(name)).split('\n'))
          if (line !== '') yield `${part}: ${line}`;
      }
      if (!follow || signal.aborted || (status !== 'running' && status !== 'awaiting')) return;
      await sleep(1000, undefined, { signal }).catch(() => undefined);
    }
  }

  async fetchReport(runId: string): Promise<string | null> {
    const { stages } = await this.#looks.record(runId);
    const digest = stages.find((stage) => stage.name === 'report')?.outputs['report'];
    if (digest === undefined) return null;
    const folder = join(this.home.root, 'reports', runId);
    await mkdir(folder, { recursive: true });
    const path = join(folder, 'report.html');
    await writeFile(path, await this.store.blobs.get(digest));
    return path;
  }

  async fetchEvaluation(runId: string): Promise<EvaluationResult | null> {
    const { stages } = await this.#looks.record(runId);
    const digest = ownRow(stages, 'evaluate')?.outputs['evaluation'];
    if (digest === undefined) return null;
    return EvaluationResult.parse(JSON.parse(await this.store.blobs.getText(digest)));
  }

  async fetchComparison(runId: string): Promise<Comparison | null> {
    const { stages } = await this.#looks.record(runId);
    const digest = ownRow(stages, 'compare')?.outputs['comparison'];
    if (digest === undefined) return null;
    return Comparison.parse(JSON.parse(await this.store.blobs.getText(digest)));
  }

  async fetchCheckpoint(
    runId: string,
    wanted: CheckpointStage | null,
  ): ReturnType<RunApi['fetchCheckpoint']> {
    const found = chooseCheckpoint(await this.#looks.record(runId), wanted);
    const { config } = await this.configOf(runId);
    const services = { store: this.store, cacheDir: this.home.cacheDir };
    const folder = await materializeCheckpoint(services, found.digest);
    return { checkpoint: found.name, folder, model: config.model };
  }

  async close(): Promise<void> {
    this.store.close();
    await this.connection.close();
  }

  async #launch(runId: string, resolved: ResolvedRun, reruns: Reruns): Promise<void> {
    await this.store.runs.document(runId, 'config.json', resolved as unknown as Json);
    const before = await this.store.runs.read(runId);
    const input: PipelineInput = {
      ...(await pipelineInput(this.store, resolved)),
      runId,
      code: await codeVersion(),
      ...(Object.keys(reruns).length === 0 ? {} : { reruns }),
    };
    try {
      await this.client.workflow.start('pipeline', {
        workflowId: runId,
        taskQueue: 'orchestrate',
        args: [input],
        memo: { bundle: await workflowBundleDigest() },
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw runExists(runId);
      throw error;
    }
    // A run exists for readers once its record does; the workflow writes it first thing.
    await this.#waitFor(runId, (now) => now.updatedAt !== before?.updatedAt);
  }

  /** Waits until the workflow has written a record that `holds`. */
  async #waitFor(runId: string, holds: (record: RunRecord) => boolean): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const record = await this.store.runs.read(runId);
      if (record !== null && holds(record)) return;
      if (Date.now() > deadline) {
        throw new TerminalError('run.no-worker', `run ${runId} was accepted, but no worker takes it up`, {
          fix: 'hindsight doctor',
        });
      }
      await sleep(100);
    }
  }

  async #reachTemporal(): Promise<void> {
    await this.connection.ensureConnected().catch(async (error: unknown) => {
      throw await connectionFailure(this.reached, error);
    });
  }
}

/** Lets pass that an execution closed by itself meanwhile. */
function unlessClosed(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
