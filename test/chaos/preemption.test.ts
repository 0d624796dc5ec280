import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunSnapshot } from '../../cli/run-api.js';
import { parseJsonl } from '../../core/jsonl.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { OwnStack } from '../../bench/pipeline/own-stack.js';
import { digestsOf } from './digests-of.js';

/** Long enough to be met at work, and without a regular checkpoint: the one that is found was asked for. */
const set = [
  'sft.steps=60',
  'sft.checkpointEvery=1000',
  'sft.validationEvery=20',
  'grpo.epochs=1',
  'grpo.stepsPerEpoch=12',
  'grpo.checkpointEvery=1000',
];
const saveMs = 10_000;

let clips: string;
let annotations: string;

beforeAll(async () => {
  clips = await mkdtemp(join(tmpdir(), 'hindsight-clips-'));
  annotations = await renderMicroClips(clips);
});
afterAll(() => rm(clips, { recursive: true, force: true }));

async function undisturbed(): Promise<RunSnapshot> {
  const stack = await OwnStack.start();
  try {
    return await stack.finish(await stack.run(annotations, set));
  } finally {
    await stack.stop();
  }
}

/** Step of the checkpoint that is in the store once the trainer has saved it; fails when it takes too long. */
async function savedStep(stack: OwnStack, stage: string): Promise<number> {
  for (const deadline = Date.now() + saveMs; Date.now() < deadline; await sleep(25)) {
    const [name] = await stack.store.objects.list(`checkpoints/${stage}/`);
    if (name !== undefined) return Number(basename(name, '.json'));
  }
  throw new Error(`no checkpoint of ${stage} came within ${saveMs / 1000} s`);
}

async function logOf(stack: OwnStack, runId: string, stage: string): Promise<string> {
  const lines: string[] = [];
  const signal = new AbortController().signal;
  for await (const line of stack.api.logs(runId, { stage, follow: false, signal })) lines.push(line);
  return lines.join('\n');
}

it('a gpu worker that is told to go saves the step it is at, and its successor goes on from there', async () => {
  const expected = await undisturbed();
  expect(expected).toMatchObject({ status: 'done', reason: null });
  const stack = await OwnStack.start();
  try {
    const runId = await stack.run(annotations, set);
    const saved: Record<string, number> = {};
    // A service manager signals every process of the group, a container's runtime the worker alone.
    for (const [stage, group] of [
      ['sft', false],
      ['grpo', true],
    ] as const) {
      const reached = await stack.reachStep(stage);
      const worker = await stack.pidOf('gpu');
      process.kill(group ? -worker : worker, 'SIGTERM');
      saved[stage] = await savedStep(stack, stage);
      expect(saved[stage]).toBeGreaterThanOrEqual(reached);
    }
    const ended = await stack.finish(runId);
    expect(ended).toMatchObject({ status: 'done', reason: null });
    expect(digestsOf(ended)).toEqual(digestsOf(expected));
    for (const [stage, steps] of [
      ['sft', 4 + 60],
      ['grpo', 12],
    ] as const) {
      const row = ended.stages.find(({ name }) => name === stage)!;
      expect(row).toMatchObject({ outcome: 'continued', attempts: 2 });
      expect(await logOf(stack, runId, stage)).toContain(
        `continues from step ${saved[stage]}, saved by attempt 1`,
      );
      const log = parseJsonl(await stack.store.blobs.getText(row.outputs.log!), 'log.jsonl');
      expect(log.map((one) => (one as { step: number }).step)).toEqual(
        Array.from({ length: steps }, (_, index) => index + 1),
      );
    }
  } finally {
    await stack.stop();
  }
});
