import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { keepBadBatch } from '../../activities/bad-batch.js';
import type { StageContext } from '../../activities/stage.js';
import { RetryableError, TerminalError } from '../../core/errors.js';
import { requireFinite } from '../../training/finite.js';
import { freshStore } from '../artifacts/store.js';

/** What `keepBadBatch` reads of a context; the log is kept. */
async function setting(): Promise<{ context: StageContext; workDir: string; lines: string[] }> {
  const store = await freshStore();
  const workDir = await mkdtemp(join(tmpdir(), 'hindsight-bad-batch-'));
  onTestFinished(() => rm(workDir, { recursive: true, force: true }));
  const lines: string[] = [];
  const context = {
    request: { runId: 'r', config: 'c', inputs: {}, shard: null, shards: [], variant: {} },
    services: { store, cacheDir: workDir, trainer: null },
    key: '0123456789abcdef',
    attempt: 2,
    log: (line: string) => lines.push(line),
  } as unknown as StageContext;
  return { context, workDir, lines };
}

it('keeps what led to numbers that are not finite, and says where', async () => {
  const { context, workDir, lines } = await setting();
  const found = { step: 7, loss: NaN, gradNorm: 1, learningRate: 0.1, expectGradient: true };
  const error: unknown = await requireFinite(workDir, found, [{ sampleId: 'a' }]).catch((e: unknown) => e);
  const told = await keepBadBatch(context, { kind: 'sft', workDir }, error);
  const address = context.services.store.objects.address('runs/r/bad-batches/sft-0123456789ab-2.json');
  expect(told).toMatchObject({
    code: 'training.not-finite',
    fields: { step: 7, badBatch: address },
    fix: `lower the learning rate, or look at what led to it: ${address}`,
  });
  expect(lines).toEqual([`the batch that led to it: ${address}`]);
  expect(await context.services.store.runs.readDocument('r', 'bad-batches/sft-0123456789ab-2.json')).toEqual({
    step: 7,
    loss: 'NaN',
    gradNorm: 1,
    learningRate: 0.1,
    batch: [{ sampleId: 'a' }],
  });
});

it('leaves other errors as they are', async () => {
  const { context, workDir, lines } = await setting();
  for (const error of [
    new RetryableError('trainer.exited', 'it ended'),
    new TerminalError('training.no-samples', 'there are none'),
  ])
    expect(await keepBadBatch(context, { kind: 'grpo', workDir }, error)).toBe(error);
  expect(lines).toEqual([]);
});
