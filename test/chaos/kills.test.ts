import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSnapshot } from '../../cli/run-api.js';
import { Random } from '../../core/random.js';
import { digestsOf, OwnStack, renderMicroClips } from './micro-run.js';

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
});
