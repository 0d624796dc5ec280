import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { describeError } from '../../../core/errors.js';
import { payloadKeyFingerprints, payloadKeys } from '../../../stack/payload-encryption/keys.js';

const base64 = (bytes = 32): string => randomBytes(bytes).toString('base64');
const read = (text: string | undefined): ReturnType<typeof payloadKeys> =>
  payloadKeys({ HINDSIGHT_PAYLOAD_KEYS: text });

test('keys are read in order; without the variable there are none', () => {
  const [a, b] = [base64(), base64()];
  const keys = read(` 2026:${a}, old.key_1:${b}\n`);
  expect(keys.map(({ id }) => id)).toEqual(['2026', 'old.key_1']);
  expect(keys.map(({ key }) => key.export().toString('base64'))).toEqual([a, b]);
  expect(read(undefined)).toEqual([]);
});

test('what is malformed is said, with the format and without the value', () => {
  const [good, short, long] = [base64(), base64(16), base64(33)];
  const bare = good.replace('=', '');
  const cases: [string, string][] = [
    ['', 'is set, but empty'],
    [' ', 'is set, but empty'],
    [good, 'entry 1 has no id'],
    [`a:${good},`, 'entry 2 has no id'],
    [`:${good}`, 'the id of entry 1'],
    [`two words:${good}`, 'the id of entry 1'],
    [`${good}:a`, 'the id of entry 1'],
    [`${bare}:a`, 'the id of entry 1'],
    [`a:`, 'the key of entry 1 is not the base64 text of 32 bytes'],
    [`a:${short}`, 'the key of entry 1 is not the base64 text of 32 bytes'],
    [`a:${good},b:${long}`, 'the key of entry 2 is not the base64 text of 32 bytes'],
    [`a:${bare}`, 'the key of entry 1'],
    [`a:${good.slice(0, 20)}-${good.slice(21)}`, 'the key of entry 1'],
    [`a:${good},a:${base64()}`, 'entries 1 and 2 have the same id'],
  ];
  for (const [text, problem] of cases) {
    const error = (() => {
      try {
        return read(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error, text).toMatchObject({ code: 'payload.keys-malformed', retryable: false });
    const said = describeError(error);
    expect(said).toContain(`HINDSIGHT_PAYLOAD_KEYS: ${problem}`);
    expect(said).toContain('id:base64,id2:base64');
    expect(said).toContain('openssl rand -base64 32');
    for (const secret of [good, bare, short, long]) expect(said).not.toContain(secret.slice(0, 16));
  }
});

test('a fingerprint tells keys apart and says nothing of them', () => {
  const [a, b] = [base64(), base64()];
  const of = (text: string): string[] => payloadKeyFingerprints(read(text));
  expect(of(`k:${a}`)).toEqual(of(`k:${a}`));
  expect(of(`k:${a}`)).not.toEqual(of(`k:${b}`));
  expect(of(`k:${a},l:${b}`)).toHaveLength(2);
  expect(of(`k:${a}`)[0]).toMatch(/^k:[0-9a-f]{16}$/);
});
