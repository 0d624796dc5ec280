import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, WorkflowUpdateFailedError } from '@temporalio/client';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import type { Manifest } from '../../artifacts/manifest.js';
import { runCli } from '../../cli/program.js';
import type { RunApi, RunPlan, RunSnapshot } from '../../cli/run-api.js';
import { connectRunApi } from '../../cli/run-client.js';
import { loadConfig } from '../../config/load.js';
import { packageRoot } from '../../core/package-root.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';
import { writeSyntheticDataset } from '../../video/synthetic/write-dataset.js';
import { digestsOf } from '../chaos/digests-of.js';
import { RecordingTerminal } from '../cli/recording-terminal.js';

/** Every kind of stage that the tests make again, as small as it can be. */
const set = ['stages=[sft]', 'sft.steps=2', 'evaluation.sampling.maxTokens=16'];

let folder: string;
let sources: string;
let api: RunApi;
let store: ArtifactStore;
let client: Client;
/** The run of all tests here: parked and resumed by the first, made again in parts by the others. */
let id: string;

beforeAll(async () => {
  process.env['HINDSIGHT_HOME'] = inject('home');
  folder = await mkdtemp(join(tmpdir(), 'hindsight-resume-'));
  const counts = { sft: 6, reflect: 2, rl: 2, val: 2, test: 3 };
  const { annotations } = await writeSyntheticDataset({ dir: folder, seed: 11, counts });
  await damage(join(folder, 'videos', 'sft-00002.mp4'));
  sources = `dataset.sources=[{kind: jsonl, annotations: ${JSON.stringify(annotations)}}]`;
  const endpoints = await loadEndpoints();
  api = await connectRunApi();
  store = new ArtifactStore(endpoints.store, join(homePaths().cacheDir, 'blobs'));
  const connection = await Connection.connect(endpoints.temporal.connection);
  client = new Client({ connection, namespace: endpoints.temporal.namespace });
});
afterAll(async () => {
  await api.close();
  store.close();
  await client.connection.close();
  await rm(folder, { recursive: true, force: true });
});

/** Spoils the pictures and leaves the index of an MP4 whole: it passes probing, and decoding finds it out. */
async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  const box = bytes.indexOf('mdat') - 4;
  const size = bytes.readUInt32BE(box);
  bytes.fill(0xaa, box + Math.floor(0.3 * size), box + size);
  await writeFile(path, bytes);
}

function finish(): Promise<RunSnapshot> {
  return api.watch(id, { onUpdate: () => undefined, signal: AbortSignal.timeout(120_000) });
}

function outcomes(run: RunSnapshot): Record<string, string | null> {
  return Object.fromEntries(run.stages.map(({ name, outcome }) => [name, outcome]));
}

/** Manifests of a stage that runs with this id asked for or made, whole and by shard. */
async function manifests(stage: string): Promise<Manifest[]> {
  const refs = await store.objects.list(`runs/${id}/refs/${stage}-`);
  const keys = refs.map((name) => name.slice(`runs/${id}/refs/${stage}-`.length, -'.json'.length));
  const found = await Promise.all(keys.map((key) => store.manifests.find(stage, key)));
  return found.filter((manifest) => manifest !== null);
}

async function execution(): Promise<string> {
  return (await client.workflow.getHandle(id).describe()).runId;
}

async function cli(args: readonly string[], answer: string | null = null) {
  const terminal = new RecordingTerminal(false, undefined, answer);
  const code = await runCli(args, terminal);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

describe.sequential('a run', () => {
  it('whose video vanishes parks once the other shards are done; resumed, it runs the one that failed', async () => {
    const reruns = { report: { id: 'asked-at-start', only: null } };
    id = await api.start(await loadConfig('micro', { set: [sources, ...set] }), { reruns });
    const video = join(folder, 'videos', 'test-00003.mp4');
    for (const deadline = Date.now() + 60_000; ; await sleep(20)) {
      const { stages } = await api.snapshot(id);
      if (stages.find(({ name }) => name === 'ingest')?.status === 'done') break;
      if (Date.now() > deadline) throw new Error('ingest did not end');
    }
    await rename(video, `${video}.away`);

    await expect(api.resume(id, {})).rejects.toMatchObject({ code: 'run.running' });
    const refused: unknown = await client.workflow
      .getHandle(id)
      .executeUpdate('retry')
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((refused as WorkflowUpdateFailedError).cause?.message).toBe(
      `run ${id} is running, not awaiting: nothing to retry`,
    );

    const parked = await finish();
    expect(parked.status).toBe('awaiting');
    expect(parked.reason).toMatch(
      /^frames, shard test 0: frames: .*test-00003\.mp4 was there when .*\[video\.gone\]/,
    );
    expect(parked.reason).not.toContain('\n');
    const siblings = await manifests('frames');
    expect(siblings).toHaveLength(4);
    expect(await api.pendingReruns(id)).toEqual(reruns);

    await rename(`${video}.away`, video);
    const before = await execution();
    await api.resume(id, {});
    const ended = await finish();
    expect(ended).toMatchObject({ status: 'done', reason: null });
    expect(outcomes(ended)).toMatchObject({ ingest: 'ran', frames: 'continued', sft: 'ran', report: 'ran' });
    expect(await execution()).toBe(before);
    const all = await manifests('frames');
    // The shard that failed, and the whole.
    expect(all).toHaveLength(6);
    expect(all).toEqual(expect.arrayContaining(siblings));
    expect(await api.pendingReruns(id)).toEqual({});
  }, 240_000);

  it('that is done says so, and starts nothing', async () => {
    const before = await execution();
    const { code, stdout, stderr } = await cli(['resume', id], 'y');
    expect(code).toBe(0);
    expect(stderr).toContain(`${id} is done and there is nothing to do`);
    expect(stderr).not.toContain('go on?');
    expect(stdout).toContain(id);
    expect(await execution()).toBe(before);
    expect(await cli(['resume', 'nobody-1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no run nobody-1') as string,
    });
  });

  it('made by other code is reused, and the plan names the files', async () => {
    // The workers run the built files; this process is of the sources.
    const { stdout } = await cli(['resume', id, '--plan']);
    expect(stdout).toMatch(/^sft +reuse, code changed since: +activities\/.*, and \d+ more; made by run /m);
    expect(stdout).toContain('--rerun frames --rerun captions --rerun reasoning --rerun sft');
    const built = join(packageRoot, 'dist', 'cli', 'main.js');
    const same = await execa(process.execPath, [built, 'resume', id, '--plan', '--json']);
    const { stages } = JSON.parse(same.stdout) as RunPlan;
    expect(stages.find(({ name }) => name === 'sft')?.plan).toEqual({ action: 'reuse' });
  });

  it('has a stage made anew when a person agrees; where its bytes are the same, the rest is reused', async () => {
    const first = await api.snapshot(id);
    const shards = await manifests('frames');
    const refused = await cli(['resume', id, '--rerun', 'frames'], 'n');
    expect(refused).toMatchObject({ code: 0, stdout: '' });
    expect(refused.stderr).toMatch(/^frames +run +asked for; what run \S+ made is kept$/m);
    expect(refused.stderr).toMatch(
      /^sft +depends on frames +reused if frames comes out the same, byte for byte$/m,
    );
    expect(refused.stderr).toMatch(/go on\? \[y\/N\] nothing was started\n$/);
    expect(await manifests('frames')).toEqual(shards);

    expect((await cli(['resume', id, '--rerun', 'frames'], 'y')).code).toBe(0);
    const again = await api.snapshot(id);
    const reused = again.stages.map(({ name }) => [name, name === 'frames' ? 'ran' : 'reused']);
    expect(outcomes(again)).toEqual(Object.fromEntries(reused));
    expect(digestsOf(again)).toEqual(digestsOf(first));
    const made = await manifests('frames');
    expect(new Set(made.map(({ producer }) => producer.rerun)).size).toBe(1);
    for (const manifest of made) {
      expect(manifest.producer.rerun).not.toBeNull();
      const kept = await store.objects.list(`generations/frames/${manifest.key}/`);
      const generations = await Promise.all(kept.map((name) => store.objects.read(name)));
      const parsed = generations.map((bytes) => JSON.parse(String(bytes)) as Manifest);
      expect(parsed).toHaveLength(2);
      expect(parsed).toEqual(expect.arrayContaining([manifest]));
      expect(parsed).toEqual(expect.arrayContaining(shards.filter(({ key }) => key === manifest.key)));
    }
  }, 120_000);

  it('tries again only the samples that were rejected', async () => {
    const before = await manifests('frames');
    expect(before.map(({ metrics }) => metrics.rejected ?? 0).sort()).toEqual([0, 0, 0, 0, 1, 1]);
    const plan = await cli(['resume', id, '--retry', 'rejected', '--plan']);
    expect(plan.stdout).toMatch(/^frames +retry 1 sample +1 rejected$/m);
    expect((await cli(['resume', id, '--retry', 'rejected', '--yes'], 'n')).code).toBe(0);
    const run = await api.snapshot(id);
    expect(outcomes(run)).toMatchObject({ ingest: 'reused', frames: 'continued', captions: 'reused' });
    const after = await manifests('frames');
    const unchanged = after.filter((one) =>
      before.some((other) => other.producer.rerun === one.producer.rerun),
    );
    expect(unchanged.map(({ metrics }) => metrics.rejected ?? 0)).toEqual([0, 0, 0, 0]);
    // None of the samples was refused.
    expect((await cli(['resume', id, '--retry', 'refused', '--plan'])).stdout).not.toContain('retry');
  }, 120_000);

  it('parked on rejects looks at the videos again when it is resumed', async () => {
    const first = await api.snapshot(id);
    const video = join(folder, 'videos', 'val-00001.mp4');
    await rename(video, `${video}.away`);
    const strict = await loadConfig('micro', { set: [sources, ...set, 'dataset.maxRejectShare=0'] });
    const strictId = await api.start(strict, {});
    const watched = () =>
      api.watch(strictId, { onUpdate: () => undefined, signal: AbortSignal.timeout(60_000) });
    const parked = await watched();
    expect(parked).toMatchObject({
      status: 'awaiting',
      reason: expect.stringMatching(/^1 of 15 videos were rejected .*: missing-file 1\./) as string,
    });
    await rename(`${video}.away`, video);
    await api.resume(strictId, {});
    const ended = await watched();
    expect(ended.status).toBe('done');
    expect(digestsOf(ended).evaluate).toEqual(digestsOf(first).evaluate);
  }, 120_000);

  it('started anew makes a stage and all after it anew', async () => {
    const sets = [sources, ...set].flatMap((one) => ['--set', one]);
    const { code, stdout } = await cli(['run', 'micro', ...sets, '--from', 'evaluate', '--json']);
    expect(code).toBe(0);
    expect(outcomes(JSON.parse(stdout) as RunSnapshot)).toMatchObject({
      sft: 'reused',
      predictions: 'reused',
      evaluate: 'ran',
      report: 'ran',
    });
  }, 120_000);
});
