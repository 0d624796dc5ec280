import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { encodeErrorToFailure, encodeToPayload } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { expect, test } from 'vitest';
import { failureMessage, readPayload } from '../../cli/payloads.js';
import { payloadConverter } from '../../stack/payload-encryption/data-converter.js';
import { payloadKeys } from '../../stack/payload-encryption/keys.js';

const key = `k:${randomBytes(32).toString('base64')}`;
const clientOf = (keys?: string): Client =>
  new Client({
    connection: Connection.lazy(),
    dataConverter: payloadConverter(payloadKeys(keys === undefined ? {} : { HINDSIGHT_PAYLOAD_KEYS: keys })),
  });
const error = (): Error =>
  ApplicationFailure.create({ message: 'sft: loss NaN', details: [{ fix: 'lower it' }] });

test.each([
  ['plain', undefined],
  ['encrypted', key],
])('%s values and failures are read', async (kind, keys) => {
  const client = clientOf(keys);
  const converter = client.options.loadedDataConverter;
  const payload = await encodeToPayload(converter, { step: 3 });
  const failure = await encodeErrorToFailure(converter, error());
  const readable = JSON.stringify([payload, failure], (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  );
  for (const text of ['step', 'loss NaN', 'payloads.test.ts', 'lower it'])
    expect(readable.includes(text)).toBe(kind === 'plain');
  expect(await readPayload(client, payload)).toEqual({ step: 3 });
  expect(await failureMessage(client, failure)).toBe('sft: loss NaN');
});

test('what a client has no key for is an error, not a wrong text', async () => {
  const { loadedDataConverter } = clientOf(key).options;
  const failure = await encodeErrorToFailure(loadedDataConverter, error());
  await expect(failureMessage(clientOf(), failure)).rejects.toMatchObject({ code: 'payload.key-unknown' });
  await expect(readPayload(clientOf(), await encodeToPayload(loadedDataConverter, 1))).rejects.toMatchObject({
    code: 'payload.key-unknown',
  });
});

test('a failure without a message says so', async () => {
  expect(await failureMessage(clientOf(), {})).toBe('no message');
});
