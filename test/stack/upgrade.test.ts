import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import type { RunSnapshot } from '../../cli/run-api.js';
import { packageRoot } from '../../core/package-root.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { writeSyntheticDataset } from '../../video/synthetic/write-dataset.js';
import { temporaryHome } from './temporary-home.js';

/** A folder of its own, removed when the test ends. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hindsight-upgrade-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An installation of an earlier version: the same code but for its workflows, which record the run once more. */
async function earlierVersion(): Promise<string> {
  const root = await temporaryFolder();
  for (const part of ['dist', 'package.json', 'package-lock.json', 'config/presets', 'config/prompts'])
    await cp(join(packageRoot, part), join(root, part), { recursive: true });
  await symlink(join(packageRoot, 'node_modules'), join(root, 'node_modules'));
  const pipeline = join(root, 'dist', 'workflows', 'pipeline.js');
  const code = await readFile(pipeline, 'utf8');
  const line = 'const run = new RunTable(input, rowsOf(input));';
  expect(code).toContain(line);
  await writeFile(
    pipeline,
    code.replace(line, `${line} await control.recordRun({ record: run.record(), rows: 'all' });`),
  );
  await execa(process.execPath, [join(root, 'dist', 'workers', 'bundle-workflows.js')]);
  return root;
}

it('a run that an earlier version parked goes on under a fresh execution of the same id', async () => {
  const home = temporaryHome();
  const hindsight = (root: string, ...args: readonly string[]) =>
    execa(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args, '--home', home.root], {
      reject: false,
    });
  const clips = await temporaryFolder();
  const counts = { sft: 4, reflect: 0, rl: 0, val: 1, test: 2 };
  const { annotations } = await writeSyntheticDataset({ dir: clips, seed: 3, counts });
  const video = join(clips, 'videos', 'test-00001.mp4');
  await rename(video, `${video}.away`);

  const earlier = await earlierVersion();
  const id = 'upgraded';
  const set = [
    `dataset.sources=[{kind: jsonl, annotations: ${JSON.stringify(annotations)}}]`,
    'dataset.maxRejectShare=0',
    'stages=[sft]',
    'sft.steps=1',
    'evaluation.sampling.maxTokens=8',
  ].flatMap((one) => ['--set', one]);
  const started = await hindsight(earlier, 'run', 'micro', ...set, '--run-id', id);
  expect(started.stderr).toContain('1 of 7 videos were rejected');
  expect(started.exitCode).toBe(3);

  await rename(`${video}.away`, video);
  const resumed = await hindsight(packageRoot, 'resume', id, '--json');
  expect(resumed.stderr).toContain('restarting the stack: its workers are of another build');
  expect(resumed.exitCode).toBe(0);
  expect(JSON.parse(resumed.stdout) as RunSnapshot).toMatchObject({ runId: id, status: 'done' });

  const { temporal } = await loadEndpoints(home);
  const connection = await Connection.connect(temporal.connection);
  onTestFinished(() => connection.close());
  const client = new Client({ connection, namespace: temporal.namespace });
  const executions = [];
  for await (const one of client.workflow.list({ query: `WorkflowId = '${id}'` })) executions.push(one);
  executions.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  expect(executions.map(({ status }) => status.name)).toEqual(['TERMINATED', 'COMPLETED']);
  const [old, fresh] = executions.map(({ memo }) => memo?.bundle);
  expect(old).toMatch(/^[0-9a-f]{64}$/);
  expect(fresh).toMatch(/^[0-9a-f]{64}$/);
  expect(fresh).not.toBe(old);

  // What it was spared: the old history means nothing to the workflows of today.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const history = await client.workflow.getHandle(id, executions[0]!.runId).fetchHistory();
  const workflowBundle = { codePath: join(packageRoot, 'dist', 'workflow-bundle.js') };
  await expect(Worker.runReplayHistory({ workflowBundle }, history, id)).rejects.toThrow(/[Nn]ondeterminism/);
});
