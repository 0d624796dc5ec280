import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { redactFailures } from '../../workers/redact-failures.js';

const execute = (outcome: () => Promise<unknown>): Promise<unknown> =>
  redactFailures().inbound!.execute!({ args: [], headers: {} }, outcome);

test('an activity that fails tells no credential, nor do its causes', async () => {
  const cause = new Error('GET https://b/k?X-Amz-Signature=abc123');
  const failure = ApplicationFailure.create({
    message: 'sft: http://me:hunter22@host',
    cause,
    type: 'store.x',
    details: [{ fix: null, fields: { url: 'http://me:hunter22@host', keys: ['Bearer abc123'], step: 3 } }],
  });
  const thrown = (await execute(() => Promise.reject(failure)).catch(
    (error: unknown) => error,
  )) as typeof failure;
  expect(thrown).toBe(failure);
  expect([thrown.message, cause.message]).toEqual([
    'sft: http://***@host',
    'GET https://b/k?X-Amz-Signature=***',
  ]);
  expect(`${thrown.stack} ${cause.stack}`).not.toMatch(/hunter22|abc123/);
  expect(thrown.details).toEqual([
    { fix: null, fields: { url: 'http://***@host', keys: ['Bearer ***'], step: 3 } },
  ]);
  expect(thrown.type).toBe('store.x');
});

test('a result passes', async () => {
  expect(await execute(() => Promise.resolve(3))).toBe(3);
});
