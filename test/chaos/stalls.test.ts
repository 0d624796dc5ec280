import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunRecord } from '../../artifacts/runs.js';
import { connectRunApi } from '../../cli/run-client.js';
import type { RunListEntry, RunProblem, RunSnapshot } from '../../cli/run-api.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../bench/pipeline/own-stack.js';

/** Less than a local stack wants to have free, and more than a micro run writes. */
const smallDisk = '1500m';

let clips: string;
let temporary: string;
let mounted: boolean;
let stack: OwnStack;
let temporal: Client;
/** A micro run that has come as far as it can without a gpu worker. */
let runId: string;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
  temporary = await mkdtemp(join(tmpdir(), 'hindsight-small-'));
  mounted = mountSmallDisk(temporary);
  // Where no disk can be mounted, what is free on this one counts as nearly nothing.
  if (mounted) {
    process.env['TMPDIR'] = temporary;
    delete process.env['HINDSIGHT_MIN_FREE_GIB'];
  } else process.env['HINDSIGHT_MIN_FREE_GIB'] = '1000000';
  stack = await OwnStack.start({ workers: ['orchestrate', 'media'] });
  const { temporal: to } = await loadEndpoints();
  temporal = new Client({ connection: await Connection.connect(to.connection), namespace: to.namespace });
  runId = await stack.run(await renderMicroClips(clips));
  await stack.reach(runId, 'sft');
}, 240_000);

afterAll(async () => {
  await temporal.connection.close();
  await stack.stop();
  delete process.env['TMPDIR'];
  delete process.env['HINDSIGHT_MIN_FREE_GIB'];
  if (mounted) execFileSync('umount', [temporary]);
  for (const folder of [clips, temporary]) await rm(folder, { recursive: true, force: true });
}, 60_000);

function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${smallDisk}`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function entryOf(id: string): Promise<RunListEntry> {
  return (await stack.api.list()).find((one) => one.runId === id)!;
}

function named(problems: readonly RunProblem[], kind: RunProblem['kind']): RunProblem[] {
  return problems.filter((problem) => problem.kind === kind);
}

/** What `show` and `list` say once both name such a problem: they must say the same. */
async function both(id: string, kind: RunProblem['kind'], timeout = 60_000): Promise<readonly RunProblem[]> {
  await vi.waitFor(async () => expect(named((await stack.api.snapshot(id)).problems, kind)).not.toEqual([]), {
    timeout,
    interval: 200,
  });
  const shown = named((await stack.api.snapshot(id)).problems, kind);
  expect(named((await entryOf(id)).problems, kind).map(({ subject }) => subject)).toEqual(
    shown.map(({ subject }) => subject),
  );
  return shown;
}

/** A run that the store holds as running. */
function recordOf(id: string, status: RunRecord['status'] = 'running'): RunRecord {
  const at = new Date().toISOString();
  const row = { variant: null, outcome: null, key: null, manifest: null, outputs: {}, seconds: null };
  return {
    runId: id,
    name: 'broken',
    status,
    problem: null,
    config: '0'.repeat(64),
    code: { version: '0', commit: null, digest: '' },
    startedAt: at,
    reruns: {},
    updatedAt: at,
    stages: [{ ...row, name: 'ingest', status: 'running', attempts: 0, reason: null }],
  };
}

/** A run whose workflow code throws at its first line: it was started with nothing. */
async function startBroken(
  id: string,
  options: { readonly workflowRunTimeout?: number } = {},
): Promise<void> {
  await stack.store.runs.write(recordOf(id));
  await temporal.workflow.start('pipeline', {
    workflowId: id,
    taskQueue: 'orchestrate',
    args: [null],
    ...options,
  });
}

it('names the queue that no worker serves', async () => {
  const [gpu, ...more] = await both(runId, 'queue-without-worker');
  expect(more).toEqual([]);
  expect(gpu).toMatchObject({
    subject: 'gpu',
    message: 'no worker serves the queue gpu, which sft needs',
    fix: expect.stringMatching(/^hindsight worker gpu/) as string,
  });
});

it('names the disk that is nearly full, once, though the home and the worker see it', async () => {
  const disks = await both(runId, 'disk-nearly-full');
  expect(disks).toHaveLength(1);
  expect(disks[0]!.message).toContain(`the disk of ${stack.home} is nearly full`);
});

it('names a workflow whose own code fails', async () => {
  await startBroken('broken-code');
  const [failing] = await both('broken-code', 'workflow-task-failing');
  expect(failing!.message).toMatch(/^the workflow's own code fails, attempt \d+$/);
});

it('a run whose workflow was ended from outside is failed, with the reason, in list as in show', async () => {
  await temporal.workflow.getHandle('broken-code').terminate('the cluster is being emptied');
  const terminated = 'its workflow was terminated from outside: the cluster is being emptied';
  const ended = await stack.api.snapshot('broken-code');
  expect(ended).toMatchObject({ status: 'failed', reason: terminated });
  expect(ended.stages.map(({ status }) => status)).toEqual(['failed']);
  expect(await entryOf('broken-code')).toMatchObject({ status: 'failed', reason: terminated, problems: [] });
  await expect(stack.api.cancel('broken-code')).rejects.toMatchObject({ code: 'run.not-running' });

  await startBroken('too-slow', { workflowRunTimeout: 1000 });
  await vi.waitFor(
    async () =>
      expect(await entryOf('too-slow')).toMatchObject({
        status: 'failed',
        reason: 'its workflow timed out',
      }),
    { timeout: 20_000, interval: 200 },
  );
  await stack.store.runs.write(recordOf('unknown-to-temporal'));
  expect(await entryOf('unknown-to-temporal')).toMatchObject({
    status: 'failed',
    reason: 'Temporal does not know its workflow any more',
  });
});

it('list takes less than a second for 200 runs, and asks Temporal about those at work only', async () => {
  const ids = Array.from({ length: 200 }, (_, index) => `many-${String(index).padStart(3, '0')}`);
  await Promise.all(
    ids.map(async (id, index) => {
      // The others have no workflow: had Temporal been asked about them, they would be failed.
      if (index % 20 === 0) await startBroken(id);
      else await stack.store.runs.write(recordOf(id, 'done'));
    }),
  );
  const times: number[] = [];
  let runs: readonly RunListEntry[] = [];
  for (let n = 0; n < 3; n++) {
    const before = performance.now();
    runs = await stack.api.list();
    times.push(performance.now() - before);
  }
  expect(Math.min(...times)).toBeLessThan(1000);
  const many = runs.filter((one) => one.runId.startsWith('many-'));
  expect(many.filter(({ status }) => status === 'done')).toHaveLength(190);
  expect(many.filter(({ status }) => status === 'running')).toHaveLength(10);
  await Promise.all(
    ids
      .filter((_, index) => index % 20 === 0)
      .map((id) => temporal.workflow.getHandle(id).terminate('seen enough')),
  );
});

it('says which server is away, with the fix, in seconds', async () => {
  const server = await stack.pidOf('temporal');
  process.kill(server, 'SIGSTOP');
  // A new process has no open connection.
  const api = await connectRunApi();
  try {
    const before = performance.now();
    for (const from of [stack.api, api]) {
      const shown: RunSnapshot = await from.snapshot(runId);
      expect(shown).toMatchObject({ status: 'running' });
      expect(shown.problems[0]).toMatchObject({
        kind: 'temporal-unreachable',
        message: expect.stringMatching(/^Temporal at 127\.0\.0\.1:\d+: it does not answer/) as string,
        fix: expect.stringContaining('hindsight doctor') as string,
      });
      const listed = (await from.list()).find((one) => one.runId === runId)!;
      expect(listed.problems[0]!.kind).toBe('temporal-unreachable');
    }
    expect(performance.now() - before).toBeLessThan(16_000);
    await expect(api.cancel(runId)).rejects.toMatchObject({ code: 'stack.temporal-unreachable' });
  } finally {
    process.kill(server, 'SIGCONT');
    await api.close();
  }
  const gateway = await stack.pidOf('s3');
  process.kill(gateway, 'SIGSTOP');
  try {
    for (const look of [stack.api.list(), stack.api.snapshot(runId)]) {
      await expect(look).rejects.toMatchObject({
        code: 'store.unreachable',
        fix: expect.stringContaining('hindsight doctor') as string,
      });
    }
  } finally {
    process.kill(gateway, 'SIGCONT');
  }
});

it('names the queue of the workflows too', async () => {
  await stack.restart(['media']);
  const queues = (await both(runId, 'queue-without-worker')).map(({ subject }) => subject);
  expect(queues.sort()).toEqual(['gpu', 'orchestrate']);
});
