import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { ActivityInterface } from '../../activities/index.js';
import type { ArtifactStore } from '../../artifacts/artifact-store.js';
import { codeVersion } from '../../cli/code-version.js';
import { pipelineInput } from '../../cli/pipeline-input.js';
import { loadConfig, type LoadedConfig } from '../../config/load.js';
import { TerminalError } from '../../core/errors.js';
import { toJsonl } from '../../core/jsonl.js';
import type { Label } from '../../datasets/sample.js';
import type { Home } from '../../stack/home.js';
import type { PipelineInput } from '../../workflows/contract.js';
import { openNamespace } from './own-namespace.js';
import { prototypes, type Prototype } from './prototypes.js';

const lookMs = 1000;
/** Longer than any run takes that only seems to work. */
const patience = '1 hour';

/** Files of a recorded run: videos of a few bytes, their annotations, and a config that names them. */
export interface RecordedRun {
  readonly samples: number;
  readonly configFile: string;
  readonly loaded: LoadedConfig;
  readonly prototypes: Readonly<Record<Label, Prototype>>;
}

/** Writes the files of a run of the demo's config on `samples` videos into a home. */
export async function prepareRecording(home: Home, samples: number): Promise<RecordedRun> {
  const folder = join(home.root, `recorded-${samples}`);
  const configFile = join(folder, 'run.yaml');
  await mkdir(join(folder, 'videos'), { recursive: true });
  const of = prototypes((await loadConfig('demo')).config);
  await writeVideos(folder, samples, of);
  const sources = [{ kind: 'jsonl', annotations: join(folder, 'annotations.jsonl') }];
  await writeFile(
    configFile,
    `extends: demo\nname: recorded\ndataset: { sources: ${JSON.stringify(sources)} }\nevaluation: { bootstrapResamples: 100 }\n`,
  );
  return { samples, configFile, loaded: await loadConfig(configFile), prototypes: of };
}

/** Where a run is recorded, and what does its work. */
export interface Recorder {
  /** A namespace of the Temporal server that no run was recorded in yet. */
  readonly namespace: string;
  readonly store: ArtifactStore;
  readonly activities: ActivityInterface;
  /** Activities at once, per queue. */
  readonly concurrency: number;
}

/**
 * Runs the pipeline's workflows on the files of a recorded run, with the recorded stages or what stands for them.
 *
 * @returns seconds from start to end of the run, workers and input ready
 */
export async function recordRun(
  address: string,
  { samples, loaded: { config, prompts, variants } }: RecordedRun,
  { namespace, store, activities, concurrency }: Recorder,
): Promise<number> {
  const own = await openNamespace(address, namespace, activities, concurrency);
  const ended = new AbortController();
  try {
    const runId = `recorded-${samples}`;
    const input: PipelineInput = {
      ...(await pipelineInput(store, { config, prompts, variants })),
      runId,
      code: await codeVersion(),
    };
    const startedAt = performance.now();
    const run = await own.client.workflow.start('pipeline', {
      workflowId: runId,
      taskQueue: 'orchestrate',
      args: [input],
      workflowExecutionTimeout: patience,
    });
    await Promise.race([run.result(), parked(store, runId, ended.signal)]);
    return (performance.now() - startedAt) / 1000;
  } finally {
    ended.abort();
    await own.close();
  }
}

/** Rejects once the run waits for a person: here that is a fault. Never resolves; ends with `signal`. */
async function parked(store: ArtifactStore, runId: string, signal: AbortSignal): Promise<never> {
  for (;;) {
    const record = await store.runs.read(runId);
    if (record?.status === 'awaiting')
      throw new TerminalError('bench.failed', `the run could not be recorded: ${record.problem}`);
    await sleep(lookMs, undefined, { signal });
  }
}

async function writeVideos(
  folder: string,
  samples: number,
  of: Readonly<Record<Label, Prototype>>,
): Promise<void> {
  const limit = pLimit(32);
  const rows = Array.from({ length: samples }, (_, index) => ({
    path: `videos/${String(index + 1).padStart(6, '0')}.mp4`,
    ...of[index % 2 === 0 ? 'Normal' : 'Abnormal'].annotation,
  }));
  await Promise.all(rows.map(({ path }) => limit(() => writeFile(join(folder, path), `${path}\n`))));
  await writeFile(join(folder, 'annotations.jsonl'), toJsonl(rows));
}
