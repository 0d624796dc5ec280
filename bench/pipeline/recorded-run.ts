import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import pLimit from 'p-limit';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import { codeVersion } from '../../cli/code-version.js';
import { pipelineInput } from '../../cli/pipeline-input.js';
import { loadConfig, type LoadedConfig } from '../../config/load.js';
import { TerminalError } from '../../core/errors.js';
import { toJsonl } from '../../core/jsonl.js';
import type { Label } from '../../datasets/sample.js';
import type { Endpoints } from '../../stack/endpoints.js';
import type { Home } from '../../stack/home.js';
import type { PipelineInput } from '../../workflows/contract.js';
import { openNamespace } from './own-namespace.js';
import { prototypes, type Prototype } from './prototypes.js';
import { recordedActivities } from './recorded-stages.js';

/** Activities at once while recording. */
const concurrency = 4;

/** A run of many samples that lies in the store of a home as if it had been made. */
export interface RecordedRun {
  /** A config file that names the samples. */
  readonly configFile: string;
  readonly loaded: LoadedConfig;
}

/**
 * Records a run of the demo's config on `samples` videos: the files are of a few bytes, and what the stages say of them is
 * what they say of two clips of the demo. Manifests, blobs and keys are written by the pipeline's own code.
 */
export async function recordRun(
  home: Home,
  endpoints: Endpoints,
  samples: number,
  say: (line: string) => void,
): Promise<RecordedRun> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const folder = join(home.root, 'recorded');
  const configFile = join(folder, 'run.yaml');
  await mkdir(join(folder, 'videos'), { recursive: true });
  const of = prototypes((await loadConfig('demo')).config);
  await writeVideos(folder, samples, of);
  const sources = [{ kind: 'jsonl', annotations: join(folder, 'annotations.jsonl') }];
  await writeFile(
    configFile,
    `extends: demo\nname: recorded\ndataset: { sources: ${JSON.stringify(sources)} }\nevaluation: { bootstrapResamples: 100 }\n`,
  );
  const loaded = await loadConfig(configFile);
  const store = new ArtifactStore(endpoints.store, join(home.cacheDir, 'blobs'));
  try {
    const services = { store, cacheDir: home.cacheDir, trainer: null };
    const activities = recordedActivities(services, of);
    const namespace = await openNamespace(endpoints.temporal.address, 'recording', activities, concurrency);
    try {
      say(`recording a run of ${samples} samples`);
      const runId = `recorded-${samples}`;
      const { config, prompts, variants } = loaded;
      const input: PipelineInput = {
        ...(await pipelineInput(store, { config, prompts, variants })),
        runId,
        code: await codeVersion(),
      };
      const run = await namespace.client.workflow.start('pipeline', {
        workflowId: runId,
        taskQueue: 'orchestrate',
        args: [input],
      });
      await ended(store, runId);
      await run.result();
    } finally {
      await namespace.close();
    }
  } finally {
    store.close();
  }
  return { configFile, loaded };
}

/** A run that parks would wait for a person: here it is a fault. */
async function ended(store: ArtifactStore, runId: string): Promise<void> {
  for (;;) {
    const record = await store.runs.read(runId);
    if (record !== null && record.status !== 'running') {
      if (record.status === 'done') return;
      throw new TerminalError('bench.failed', `the run could not be recorded: ${record.problem}`);
    }
    await sleep(200);
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
