import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { expect, test } from 'vitest';
import { PayloadEncryption } from '../../../stack/payload-encryption/codec.js';
import { payloadKeys } from '../../../stack/payload-encryption/keys.js';

const entry = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const [old, current] = [entry('2025'), entry('2026')];
const codecOf = (...entries: string[]): PayloadEncryption =>
  new PayloadEncryption(
    payloadKeys(entries.length === 0 ? {} : { HINDSIGHT_PAYLOAD_KEYS: entries.join(',') }),
  );
const plain = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = ([payload]: Payload[]): unknown => defaultPayloadConverter.fromPayload(payload!);
const readable = (payload: Payload): Record<string, string> =>
  Object.fromEntries(
    Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]),
  );

test('what is encrypted is read back, and nothing of it stands in the payload', async () => {
  const codec = codecOf(current);
  const values = [
    { config: 'a digest', stage: 'sft' },
    'text',
    null,
    undefined,
    new Uint8Array([1, 2, 3]),
    'x'.repeat(1 << 20),
  ];
  const sent = await codec.encode(values.map(plain));
  for (const payload of sent) {
    expect(readable(payload)).toEqual({
      encoding: 'binary/encrypted',
      'encryption-cipher': 'aes-256-gcm',
      'encryption-key-id': '2026',
    });
  }
  expect(Buffer.from(sent[0]!.data!).includes('digest')).toBe(false);
  const read = (await codec.decode(sent)).map((payload) => defaultPayloadConverter.fromPayload(payload));
  expect(read).toEqual(values);
});

test('the same value never looks the same', async () => {
  const [a, b] = await codecOf(current).encode([plain('same'), plain('same')]);
  expect(Buffer.from(a!.data!).equals(Buffer.from(b!.data!))).toBe(false);
});

test('rotation: the new key encrypts, and what the old one encrypted is still read', async () => {
  const before = await codecOf(old).encode([plain('before')]);
  const rotated = codecOf(current, old);
  expect(valueOf(await rotated.decode(before))).toBe('before');
  const after = await rotated.encode([plain('after')]);
  expect(readable(after[0]!)['encryption-key-id']).toBe('2026');
  expect(valueOf(await codecOf(current).decode(after))).toBe('after');
});

test('a key that is not there is named, with those that are', async () => {
  const sent = await codecOf(old).encode([plain('x')]);
  await expect(codecOf(current).decode(sent)).rejects.toMatchObject({
    code: 'payload.key-unknown',
    message: 'a payload is encrypted with the key 2025, and HINDSIGHT_PAYLOAD_KEYS holds 2026',
    fix: 'add 2025 to HINDSIGHT_PAYLOAD_KEYS, of every worker and client',
  });
  await expect(codecOf().decode(sent)).rejects.toThrow('HINDSIGHT_PAYLOAD_KEYS is not set');
});

test('without keys payloads stay as they are; with keys older ones are still read', async () => {
  const payloads = [plain({ a: 1 })];
  expect(await codecOf().encode(payloads)).toEqual(payloads);
  expect(await codecOf().decode(payloads)).toEqual(payloads);
  expect(await codecOf(current).decode(payloads)).toEqual(payloads);
});

test('another key under the same id, any changed byte and any changed metadata are refused', async () => {
  const codec = codecOf(current, old);
  const [sent] = (await codec.encode([plain('verdict')])) as [Payload];
  const refused = async (payload: Payload): Promise<void> =>
    expect(codec.decode([payload])).rejects.toMatchObject({
      code: 'payload.not-authentic',
      retryable: false,
    });
  for (let byte = 0; byte < sent.data!.length; byte++) {
    const data = Buffer.from(sent.data!);
    data[byte]! ^= 1;
    await refused({ ...sent, data });
  }
  for (const length of [0, 5, 27, sent.data!.length - 1]) {
    await refused({ ...sent, data: sent.data!.subarray(0, length) });
  }
  await refused({ ...sent, metadata: { ...sent.metadata, more: Buffer.from('1') } });
  await refused({ ...sent, metadata: { ...sent.metadata, 'encryption-cipher': Buffer.from('none') } });
  await refused({ ...sent, metadata: { ...sent.metadata, 'encryption-key-id': Buffer.from('2025') } });
  await expect(codecOf(entry('2026')).decode([sent])).rejects.toMatchObject({
    code: 'payload.not-authentic',
  });
});
