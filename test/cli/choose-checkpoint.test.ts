import { expect, test } from 'vitest';
import type { RunRecord } from '../../artifacts/runs.js';
import { chooseCheckpoint } from '../../cli/choose-checkpoint.js';

const row = (
  name: string,
  checkpoint?: string,
  variant: string | null = null,
): RunRecord['stages'][number] => ({
  name,
  variant,
  status: checkpoint === undefined ? 'waiting' : 'done',
  outcome: null,
  key: null,
  manifest: null,
  outputs: checkpoint === undefined ? {} : { checkpoint },
  seconds: null,
  attempts: 0,
  reason: null,
});
const run = (...stages: RunRecord['stages']) => ({ runId: 'r', stages });

test('the last checkpoint that is there, or the one that is named', () => {
  const record = run(row('sft', 'a'), row('reflection-sft', 'b'), row('grpo'));
  expect(chooseCheckpoint(record, null)).toEqual({ name: 'reflection-sft', digest: 'b' });
  expect(chooseCheckpoint(record, 'sft')).toEqual({ name: 'sft', digest: 'a' });
});

test("a variant's checkpoint is not the run's", () => {
  expect(chooseCheckpoint(run(row('sft', 'a'), row('grpo', 'c', 'paper')), null).name).toBe('sft');
});

test.each([
  [[row('sft', 'a'), row('grpo')], 'grpo', 'run r has no checkpoint grpo yet, but sft', 'name one of sft'],
  [[row('sft', 'a')], 'grpo', 'run r trains no checkpoint grpo, but sft', 'name one of sft'],
  [[row('sft')], null, 'run r has no checkpoint yet', 'hindsight show r'],
] as const)('one that is not there is an error that says what is', (stages, wanted, message, fix) => {
  expect(() => chooseCheckpoint(run(...stages), wanted)).toThrow(
    expect.objectContaining({ code: 'run.no-checkpoint', message, fix }) as Error,
  );
});
