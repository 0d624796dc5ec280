import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSnapshot } from '../../cli/run-api.js';
import { Random } from '../../core/random.js';
import { transientObjects } from './leftovers-of.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../bench/pipeline/own-stack.js';
import { digestsOf } from './digests-of.js';

/** Which process dies while which of these stages is at work; the seed picks the stage. */
const points = [
  { victim: 'media', during: ['frames', 'captions', 'reasoning'] },
  { victim: 'gpu', during: ['sft', 'grpo'] },
  { victim: 'trainer', during: ['sft', 'reflection-sft', 'grpo'] },
  { victim: 'temporal', during: ['frames', 'sft', 'grpo'] },
] as const;
const seed = 20261121;

describe('a run of the micro preset', () => {
  let clips: string;
  let annotations: string;
  let undisturbed: RunSnapshot;

  beforeAll(async () => {
    clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
    annotations = await renderMicroClips(clips);
  });

  afterAll(() => rm(clips, { recursive: true, force: true }));

  it('ends, is reused whole, and redoes only what a changed GRPO parameter reaches', async () => {
    const stack = await OwnStack.start();
    try {
      undisturbed = await stack.finish(await stack.run(annotations));
      expect(undisturbed).toMatchObject({ status: 'done', reason: null });
      expect(undisturbed.stages.map((stage) => stage.outcome)).toEqual(undisturbed.stages.map(() => 'ran'));

      const again = await stack.finish(await stack.run(annotations));
      expect(again.stages.map((stage) => stage.outcome)).toEqual(again.stages.map(() => 'reused'));
      expect(digestsOf(again)).toEqual(digestsOf(undisturbed));

      // Large enough to change what the policy answers: equal answers would rightly reuse their evaluation.
      const faster = 'grpo.optimizer.learningRate=0.05';
      const changed = await stack.finish(await stack.run(annotations, [faster]));
      expect(changed.status).toBe('done');
      const redone = changed.stages.filter((stage) => stage.outcome !== 'reused').map((stage) => stage.name);
      // The other two checkpoints' answers are reused: predictions as a whole are completed, not repeated.
      expect(redone).toEqual(['grpo', 'predictions', 'evaluate', 'report']);
      expect(changed.stages.find((stage) => stage.name === 'predictions')?.outcome).toBe('continued');
    } finally {
      await stack.stop();
    }
  });

  it.each(
    points.map((point, index) => ({
      ...point,
      stage: Random.from(seed, 'kill', index).choice(point.during),
    })),
  )('ends with the same digests after kill -9 of $victim during $stage', async ({ victim, stage }) => {
    const stack = await OwnStack.start();
    try {
      const runId = await stack.run(annotations);
      await stack.reach(runId, stage);
      const pid = await stack.pidOf(victim);
      process.kill(pid, 'SIGKILL');
      const ended = await stack.finish(runId);
      expect(ended).toMatchObject({ status: 'done', reason: null });
      expect(digestsOf(ended)).toEqual(digestsOf(undisturbed));
      expect(await stack.pidOf(victim === 'trainer' ? 'gpu' : victim)).not.toBe(
        victim === 'trainer' ? 0 : pid,
      );
    } finally {
      await stack.stop();
    }
  });

  it('is not changed by workers that lost their work to others and go on with it later', async () => {
    const stack = await OwnStack.start();
    try {
      const runId = await stack.run(annotations);

      // Stopped with several shards in work; the server gives them to another worker when the heartbeats stay away.
      await stack.reach(runId, 'frames');
      const media = await stack.pidOf('media');
      process.kill(media, 'SIGSTOP');
      stack.startWorker('media');
      await stack.reach(runId, 'sft');
      const annotated = { ...(await stack.objects('stages/')), ...(await stack.objects('samples/')) };
      process.kill(media, 'SIGCONT');

      // Its trainer goes on to the end, and that waits for the worker like the checkpoints on the way.
      await stack.reachStep('sft');
      const gpu = await stack.pidOf('gpu');
      process.kill(gpu, 'SIGSTOP');
      stack.startWorker('gpu');
      const key = await keyOfTrained(stack, 'sft');
      const trained = await stack.store.manifests.get('sft', key);
      expect(trained.producer.attempt).toBe(2);
      const published = await stack.objects('stages/');
      process.kill(gpu, 'SIGCONT');
      // The zombie's own log is the last that it writes: it ends with the result that it came to publish.
      const log = await logOf(stack, `runs/${runId}/logs/sft/${key.slice(0, 12)}-1.log`);
      expect(log).toContain('done ');

      const ended = await stack.finish(runId);
      expect(ended).toMatchObject({ status: 'done', reason: null });
      expect(digestsOf(ended)).toEqual(digestsOf(undisturbed));
      const annotation = ended.stages.filter(({ name }) =>
        ['frames', 'captions', 'reasoning'].includes(name),
      );
      expect(Math.max(...annotation.map(({ attempts }) => attempts))).toBeGreaterThanOrEqual(2);
      const now = { ...(await stack.objects('stages/')), ...(await stack.objects('samples/')) };
      expect(now).toMatchObject({ ...annotated, ...published });
      expect(await transientObjects(stack.store)).toEqual([]);
    } finally {
      await stack.stop();
    }
  });
});

/** Waits until a stage is published, and gives back its key. */
async function keyOfTrained(stack: OwnStack, stage: string): Promise<string> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(50)) {
    const [name] = await stack.store.objects.list(`stages/${stage}/`);
    if (name !== undefined) return basename(name, '.json');
  }
  throw new Error(`${stage} was not published`);
}

/** Waits for a log. */
async function logOf(stack: OwnStack, name: string): Promise<string> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    const text = await stack.store.runs.readLog(name);
    if (text !== '') return text;
  }
  throw new Error(`${name} was not written`);
}
