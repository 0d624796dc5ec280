import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readPending } from '../../cli/live/pending.js';
import type { RunListEntry, RunSnapshot } from '../../cli/run-api.js';
import { packageRoot } from '../../core/package-root.js';
import { loadEndpoints } from '../../stack/endpoints.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../bench/pipeline/own-stack.js';

/** Far longer than a cancellation takes to arrive, and with no checkpoint but the one that is asked for. */
const set = ['sft.steps=500', 'sft.checkpointEvery=1000', 'sft.validationEvery=250'];
/** Longer than TensorFlow takes to load on a busy machine. */
const stallSeconds = 15;
const limit = { timeout: 300_000 };

let clips: string;
let annotations: string;
let stack: OwnStack;

beforeAll(async () => {
  process.env['HINDSIGHT_STALL_SECONDS'] = String(stallSeconds);
  // What is free on this disk counts as nearly nothing.
  process.env['HINDSIGHT_MIN_FREE_GIB'] = '1000000';
  clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
  annotations = await renderMicroClips(clips);
  stack = await OwnStack.start();
}, 120_000);

afterAll(async () => {
  await stack.stop();
  delete process.env['HINDSIGHT_STALL_SECONDS'];
  delete process.env['HINDSIGHT_MIN_FREE_GIB'];
  await rm(clips, { recursive: true, force: true });
}, 60_000);

async function entryOf(id: string): Promise<RunListEntry> {
  return (await stack.api.list()).find((one) => one.runId === id)!;
}

/** The command line in a process of its own, as a person calls it. */
function hindsight(...args: string[]): Promise<{ code: number; out: string; err: string; seconds: number }> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const main = join(packageRoot, 'dist', 'cli', 'main.js');
    execFile(process.execPath, [main, ...args, '--home', stack.home], (error, out, err) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        out,
        err,
        seconds: (performance.now() - startedAt) / 1000,
      }),
    );
  });
}

it(
  'cancel stops a training within ten seconds, with a checkpoint from which the run resumes',
  limit,
  async () => {
    const runId = await stack.run(annotations, set);
    const reached = await stack.reachStep('sft');
    const askedAt = performance.now();
    await stack.api.cancel(runId);
    while ((await stack.api.snapshot(runId)).status === 'running') await sleep(50);
    const seconds = (performance.now() - askedAt) / 1000;
    expect(seconds).toBeLessThan(10);
    const stopped = await stack.api.snapshot(runId);
    expect(stopped.status).toBe('cancelled');
    expect(stopped.stages.find(({ name }) => name === 'sft')!.status).toBe('cancelled');
    const checkpoints = await stack.store.objects.list('checkpoints/sft/');
    expect(checkpoints).toHaveLength(1);
    const step = Number(basename(checkpoints[0]!, '.json'));
    expect(step).toBeGreaterThanOrEqual(reached);

    await stack.api.resume(runId, {});
    const ended = await stack.finish(runId);
    expect(ended).toMatchObject({ status: 'done', reason: null });
    expect(ended.stages.find(({ name }) => name === 'sft')).toMatchObject({ outcome: 'continued' });
    const log: string[] = [];
    const signal = new AbortController().signal;
    for await (const line of stack.api.logs(runId, { stage: 'sft', follow: false, signal })) log.push(line);
    expect(log.join('\n')).toContain(`continues from step ${step}, saved by attempt 1`);
  },
);

it('a run that waits because the only gpu worker is at another one says at which', limit, async () => {
  const runId = await stack.run(annotations, [...set, 'seed.train=4']);
  await stack.reachStep('sft');
  const waiting = await stack.run(annotations, [...set, 'seed.train=5']);
  const busy = await vi.waitFor(
    async () => {
      const found = (await entryOf(waiting)).problems.find(({ kind }) => kind === 'queue-busy');
      expect(found).toBeDefined();
      return found!;
    },
    { timeout: 120_000, interval: 200 },
  );
  expect(busy).toEqual({
    kind: 'queue-busy',
    subject: 'gpu',
    message: `sft waits: the workers for gpu are at ${runId}`,
    fix: 'start another with `hindsight worker gpu`, or wait',
  });
  expect((await entryOf(runId)).problems.map(({ kind }) => kind)).not.toContain('queue-busy');
  const listed = await hindsight('list');
  expect(listed.out).toMatch(new RegExp(`${waiting} .+ running, waits for a gpu worker`));
  for (const id of [waiting, runId]) await stack.api.cancel(id);
  await vi.waitFor(
    async () => {
      for (const id of [waiting, runId]) expect((await entryOf(id)).status).toBe('cancelled');
    },
    { timeout: 30_000, interval: 200 },
  );
});

it(
  'a stopped trainer is named, then ended and tried again; its disk and servers that are away are named',
  limit,
  async () => {
    // Another key than the run before: nothing is reused.
    const runId = await stack.run(annotations, [...set, 'seed.train=3']);
    await stack.reachStep('sft');
    const trainer = await stack.pidOf('trainer');
    process.kill(trainer, 'SIGSTOP');

    await vi.waitFor(
      async () => {
        const { problems } = await stack.api.snapshot(runId);
        expect(problems.map(({ kind }) => kind)).toContain('no-progress');
      },
      { timeout: stallSeconds * 1000, interval: 200 },
    );
    const quiet = (await entryOf(runId)).problems.find(({ kind }) => kind === 'no-progress');
    expect(quiet).toMatchObject({
      subject: 'sft',
      message: expect.stringMatching(
        /^sft: no progress for .+, usually .+ a step; after 15 s it is/,
      ) as string,
    });

    const { temporal } = await loadEndpoints();
    const connection = await Connection.connect(temporal.connection);
    const client = new Client({ connection });
    const { raw } = await client.workflow.getHandle(runId).describe();
    await connection.close();
    const { problems } = await readPending(raw, Date.now(), client);
    expect(problems.map(({ kind }) => kind)).toContain('disk-nearly-full');

    const retrying = await vi.waitFor(
      async () => {
        const { problems } = await stack.api.snapshot(runId);
        const found = problems.find(({ kind }) => kind === 'activity-retrying');
        expect(found).toBeDefined();
        return found!;
      },
      { timeout: 60_000, interval: 100 },
    );
    expect(retrying.subject).toBe('sft');
    expect(retrying.message).toMatch(
      /^attempt 2 of sft(, next try in 1 s| is at work| waits for a worker); the last one ended: sft: the trainer made no progress for \d+ s/,
    );
    expect((await entryOf(runId)).problems).toContainEqual(
      expect.objectContaining({ kind: 'activity-retrying', subject: 'sft' }),
    );

    const server = await stack.pidOf('temporal');
    process.kill(server, 'SIGSTOP');
    try {
      const shown = await hindsight('show', runId, '--json');
      expect((JSON.parse(shown.out) as RunSnapshot).problems[0]!.kind).toBe('temporal-unreachable');
      const listed = await hindsight('list');
      expect(listed.out).toMatch(/running, Temporal does not answer/);
      expect(listed.err).toMatch(/^! Temporal at 127\.0\.0\.1:\d+: it does not answer \(/);
      for (const { code, seconds } of [shown, listed]) {
        expect(code).toBe(0);
        expect(seconds).toBeLessThan(20);
      }
    } finally {
      process.kill(server, 'SIGCONT');
    }
    const gateway = await stack.pidOf('s3');
    process.kill(gateway, 'SIGSTOP');
    try {
      const refused = await hindsight('list');
      expect(refused.code).toBe(1);
      expect(refused.err).toContain('no answer from s3');
      expect(refused.err).toContain('fix: ');
      expect(refused.seconds).toBeLessThan(20);
    } finally {
      process.kill(gateway, 'SIGCONT');
    }
    const ended = await stack.finish(runId);
    expect(ended).toMatchObject({ status: 'done', reason: null });
    expect(ended.stages.find(({ name }) => name === 'sft')!.attempts).toBeGreaterThanOrEqual(2);
  },
);
