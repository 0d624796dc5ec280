import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { materializeCheckpoint } from '../activities/checkpoint-artifact.js';
import { ArtifactStore } from '../artifacts/artifact-store.js';
import type { RunRecord } from '../artifacts/runs.js';
import { checkpointStages, type CheckpointStage } from '../config/evaluation.js';
import type { LoadedConfig } from '../config/load.js';
import { readResolvedRun } from '../config/recorded-run.js';
import type { ResolvedRun } from '../config/schema.js';
import type { Json } from '../core/canonical-json.js';
import { TerminalError } from '../core/errors.js';
import { redact } from '../core/redact.js';
import { Comparison } from '../evaluation/compare.js';
import { EvaluationResult } from '../evaluation/result.js';
import { connectionFailure } from '../stack/connection-failure.js';
import { loadEndpoints } from '../stack/endpoints.js';
import { homePaths } from '../stack/home.js';
import { payloadConverter } from '../stack/payload-encryption/data-converter.js';
import { workflowBundleDigest } from '../workers/workflow-bundle.js';
import type { PipelineInput } from '../workflows/contract.js';
import { codeVersion } from './code-version.js';
import { pipelineInput } from './pipeline-input.js';
import { planRun } from './plan.js';
import type { ConnectRunApi, RunApi, RunListEntry, RunPlan, RunSnapshot } from './run-api.js';
import { takeSnapshot } from './snapshot.js';

/** How often a watched run is looked at. */
const watchMs = 400;

/** Connects to the stack's Temporal and store. */
export const connectRunApi: ConnectRunApi = async () => {
  const dataConverter = payloadConverter();
  const endpoints = await loadEndpoints();
  const connection = await Connection.connect(endpoints.temporal.connection).catch(async (error: unknown) => {
    throw await connectionFailure(endpoints, error);
  });
  const client = new Client({ connection, namespace: endpoints.temporal.namespace, dataConverter });
  const { cacheDir, root } = homePaths();
  const store = new ArtifactStore(endpoints.store, join(cacheDir, 'blobs'));
  return new RunClient(client, store, root, {
    temporal: `${endpoints.temporal.address} (${endpoints.temporal.namespace})`,
    store: redact(`s3://${endpoints.store.bucket} at ${endpoints.store.endpoint ?? endpoints.store.region}`),
  });
};

class RunClient implements RunApi {
  constructor(
    private readonly client: Client,
    private readonly store: ArtifactStore,
    private readonly home: string,
    readonly endpoints: RunApi['endpoints'],
  ) {}

  async start(loaded: LoadedConfig, { runId }: { readonly runId?: string }): Promise<string> {
    const id = runId ?? newRunId(loaded.config.name);
    if ((await this.store.runs.read(id)) !== null) throw alreadyThere(id);
    const { config, prompts, variants } = loaded;
    await this.#launch(id, { config, prompts, variants });
    return id;
  }

  async resume(runId: string, { resolved }: { readonly resolved?: ResolvedRun }): Promise<void> {
    const record = await this.#record(runId);
    const handle = this.client.workflow.getHandle(runId);
    const execution = await handle.describe().catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    });
    const open = execution?.status.name === 'RUNNING';
    if (open && record.status === 'running') {
      throw new TerminalError('run.running', `run ${runId} is running; there is nothing to resume`, {
        fix: `hindsight show ${runId}`,
      });
    }
    const today = await workflowBundleDigest();
    if (open && resolved === undefined && execution.memo?.bundle === today) {
      try {
        await handle.executeUpdate('retry');
        // The record still says `awaiting` until the workflow has written the next one.
        await this.#waitFor(runId, (now) => now.updatedAt !== record.updatedAt);
        return;
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError) {
          throw new TerminalError('run.not-parked', error.cause?.message ?? error.message, { cause: error });
        }
        throw error;
      }
    }
    // Artifacts make a fresh execution cheap, and an old history never meets new code.
    if (open) await handle.terminate('resumed under a new execution');
    await this.#launch(runId, resolved ?? (await this.configOf(runId)));
  }

  async configOf(runId: string): Promise<ResolvedRun> {
    const { config } = await this.#record(runId);
    return readResolvedRun(JSON.parse(await this.store.blobs.getText(config)));
  }

  plan(resolved: ResolvedRun): Promise<RunPlan> {
    return planRun(this.store, this.home, resolved);
  }

  async watch(
    runId: string,
    {
      onUpdate,
      signal,
    }: { readonly onUpdate: (snapshot: RunSnapshot) => void; readonly signal: AbortSignal },
  ): Promise<RunSnapshot> {
    let last = '';
    for (;;) {
      const snapshot = await this.snapshot(runId);
      const text = JSON.stringify(snapshot);
      if (text !== last) onUpdate(snapshot);
      last = text;
      if (snapshot.status !== 'running' || signal.aborted) return snapshot;
      await sleep(watchMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async snapshot(runId: string): Promise<RunSnapshot> {
    return takeSnapshot(this.client, this.store, await this.#record(runId));
  }

  async list(): Promise<readonly RunListEntry[]> {
    const records = await Promise.all((await this.store.runs.list()).map((id) => this.store.runs.read(id)));
    return records
      .filter((record): record is RunRecord => record !== null)
      .map(({ runId, name, status, startedAt }) => ({ runId, name, status, startedAt }));
  }

  async cancel(runId: string): Promise<void> {
    const record = await this.#record(runId);
    if (record.status !== 'running' && record.status !== 'awaiting') {
      throw new TerminalError(
        'run.not-running',
        `run ${runId} is ${record.status}; there is nothing to cancel`,
      );
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
      const { status } = await this.#record(runId);
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
    const { stages } = await this.#record(runId);
    const digest = stages.find((stage) => stage.name === 'report')?.outputs['report'];
    if (digest === undefined) return null;
    const folder = join(this.home, 'reports', runId);
    await mkdir(folder, { recursive: true });
    const path = join(folder, 'report.html');
    await writeFile(path, await this.store.blobs.get(digest));
    return path;
  }

  async fetchEvaluation(runId: string): Promise<EvaluationResult | null> {
    const { stages } = await this.#record(runId);
    const digest = own(stages, 'evaluate')?.outputs['evaluation'];
    if (digest === undefined) return null;
    return EvaluationResult.parse(JSON.parse(await this.store.blobs.getText(digest)));
  }

  async fetchComparison(runId: string): Promise<Comparison | null> {
    const { stages } = await this.#record(runId);
    const digest = own(stages, 'compare')?.outputs['comparison'];
    if (digest === undefined) return null;
    return Comparison.parse(JSON.parse(await this.store.blobs.getText(digest)));
  }

  async fetchCheckpoint(
    runId: string,
    wanted: CheckpointStage | null,
  ): ReturnType<RunApi['fetchCheckpoint']> {
    const { stages } = await this.#record(runId);
    const there = checkpointStages.flatMap((name) => {
      const digest = own(stages, name)?.outputs['checkpoint'];
      return digest === undefined ? [] : [{ name, digest }];
    });
    const found = wanted === null ? there.at(-1) : there.find(({ name }) => name === wanted);
    if (found === undefined) {
      const names = there.map(({ name }) => name);
      const others = names.length === 0 ? '' : `, but ${names.join(' and ')}`;
      const trains = stages.some((stage) => stage.name === wanted) || wanted === null;
      throw new TerminalError(
        'run.no-checkpoint',
        `run ${runId} ${trains ? 'has' : 'trains'} no checkpoint${wanted === null ? '' : ` ${wanted}`}${trains ? ' yet' : ''}${others}`,
        { fix: names.length > 0 ? `name one of ${names.join(', ')}` : `hindsight show ${runId}` },
      );
    }
    const { config } = await this.configOf(runId);
    const services = { store: this.store, cacheDir: join(this.home, 'cache') };
    const folder = await materializeCheckpoint(services, found.digest);
    return { checkpoint: found.name, folder, model: config.model };
  }

  async close(): Promise<void> {
    this.store.close();
    await this.client.connection.close();
  }

  async #launch(runId: string, resolved: ResolvedRun): Promise<void> {
    await this.store.runs.document(runId, 'config.json', resolved as unknown as Json);
    const before = await this.store.runs.read(runId);
    const input: PipelineInput = {
      ...(await pipelineInput(this.store, resolved)),
      runId,
      code: await codeVersion(),
    };
    try {
      await this.client.workflow.start('pipeline', {
        workflowId: runId,
        taskQueue: 'orchestrate',
        args: [input],
        memo: { bundle: await workflowBundleDigest() },
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw alreadyThere(runId);
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

  async #record(runId: string): Promise<RunRecord> {
    const record = await this.store.runs.read(runId);
    if (record === null) {
      throw new TerminalError('run.unknown', `there is no run ${runId}`, {
        fix: '`hindsight list` names all runs',
      });
    }
    return record;
  }
}

/** The run's own row of a stage, not a variant's. */
function own(stages: RunRecord['stages'], name: string): RunRecord['stages'][number] | undefined {
  return stages.find((stage) => stage.name === name && stage.variant === null);
}

/** `<name>-<UTC time to the second>-<4 hexadecimal digits>`: sorts by name, then by start. */
function newRunId(name: string): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${name}-${time}-${randomBytes(2).toString('hex')}`;
}

function alreadyThere(runId: string): TerminalError {
  return new TerminalError('run.exists', `there is a run ${runId} already`, {
    fix: `hindsight resume ${runId}`,
  });
}
