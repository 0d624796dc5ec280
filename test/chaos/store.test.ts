import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSnapshot } from '../../cli/run-api.js';
import { bucketName } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';
import { flipByte } from '../artifacts/flip-byte.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../bench/pipeline/own-stack.js';
import { digestsOf } from './digests-of.js';

const awayMs = 10_000;
const parkMs = 120_000;

describe('a run of the micro preset', () => {
  let clips: string;
  let annotations: string;
  let stack: OwnStack;
  /** The run that had to do without its store for a while; the others must come to the same. */
  let first: RunSnapshot;

  beforeAll(async () => {
    clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
    annotations = await renderMicroClips(clips);
    stack = await OwnStack.start();
  });

  afterAll(async () => {
    await stack.stop();
    await rm(clips, { recursive: true, force: true });
  });

  it('ends well though the gateway is away for ten seconds on the way', async () => {
    const runId = await stack.run(annotations);
    await stack.reach(runId, 'sft');
    for (const back = Date.now() + awayMs; Date.now() < back; await sleep(20)) {
      // The supervisor starts it again, after longer and longer waits.
      const pid = await stack.pidOf('s3').catch(() => null);
      if (pid !== null) process.kill(pid, 'SIGKILL');
    }
    first = await stack.finish(runId);
    expect(first).toMatchObject({ status: 'done', reason: null });
  });

  it('makes anew what is damaged in the store, and nothing else, and the log says so', async () => {
    const { store } = stack;
    const stageOf = (name: string) => first.stages.find((stage) => stage.name === name)!;
    const bucket = join(homePaths(stack.home).s3, bucketName);
    const blob = (digest: string) => join(bucket, 'blobs', 'sha256', digest.slice(0, 2), digest);

    // A frame pack that a shard's manifest names, a file of a checkpoint, and the manifest of a stage on the way.
    const [shard] = (await store.manifests.get('frames', stageOf('frames').key!)).shards;
    const [pack] = (await store.manifests.get('frames', shard!)).blobs;
    const [weights] = (await store.manifests.get('sft', stageOf('sft').key!)).blobs.slice(-1);
    await flipByte(blob(pack!));
    await flipByte(blob(weights!));
    await flipByte(join(bucket, 'stages', 'reasoning', `${stageOf('reasoning').key!}.json`));
    // Whoever asks next has no copy of its own, and something to do.
    for (const name of ['blobs', 'models'])
      await rm(join(homePaths(stack.home).cacheDir, name), { recursive: true, force: true });
    for (const stage of ['grpo', 'drafts', 'predictions', 'evaluate'])
      for (const name of await store.objects.list(`stages/${stage}/`)) await store.objects.remove(name);

    const runId = await stack.run(annotations);
    const repaired = await stack.finish(runId);
    expect(repaired).toMatchObject({ status: 'done', reason: null });
    expect(digestsOf(repaired)).toEqual(digestsOf(first));
    const outcomes = Object.fromEntries(repaired.stages.map(({ name, outcome }) => [name, outcome]));
    expect(outcomes).toMatchObject({ ingest: 'reused', captions: 'reused', frames: 'continued', sft: 'ran' });

    const lines: string[] = [];
    const signal = new AbortController().signal;
    for await (const line of stack.api.logs(runId, { follow: false, signal })) lines.push(line);
    const log = lines.join('\n');
    expect(log).toMatch(
      /stages\/reasoning\/\w+\.json is damaged: .+ taken out of use and reasoning runs again/,
    );
    expect(log).toMatch(new RegExp(`stages/frames/\\w+\\.json refers to the lost blob ${pack!}`));
    expect(log).toMatch(new RegExp(`stages/sft/\\w+\\.json refers to the lost blob ${weights!}`));
    expect([...(await store.blobs.lost.list())]).toEqual([]);
    expect(await store.objects.list('claims/')).toEqual([]);
  });

  it.skipIf(!canMount())(
    'parks when the disk of the store is full, says what to do, and goes on once there is room',
    async () => {
      // Mounting a small disk takes root's rights; without them this test is left out.
      let disk = '';
      const small = await OwnStack.start({
        prepare: (home) => {
          disk = home.s3;
          mkdirSync(disk, { recursive: true });
          execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', disk]);
        },
      });
      try {
        const runId = await small.run(annotations);
        await small.reach(runId, 'sft');
        fill(join(disk, 'ballast'));
        const parked = await small.finish(runId, parkMs);
        expect(parked.status).toBe('awaiting');
        expect(parked.reason).toContain('No space left on device');
        expect(parked.reason).toContain('[store.full] (fix: make room on the disk of the store');
        rmSync(join(disk, 'ballast'));
        await small.api.resume(runId, {});
        const ended = await small.finish(runId);
        expect(ended).toMatchObject({ status: 'done', reason: null });
        expect(digestsOf(ended)).toEqual(digestsOf(first));
      } finally {
        await small.halt();
        execFileSync('umount', [disk]);
        await small.remove();
      }
    },
  );
});

/** Whether this process may mount a file system. */
function canMount(): boolean {
  const folder = join(tmpdir(), `hindsight-mount-${process.pid}`);
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a file until not one page is left. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const size of [2 ** 20, 4096]) {
      const block = Buffer.alloc(size);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}
