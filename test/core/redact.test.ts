import { expect, test } from 'vitest';
import { describeError, TerminalError } from '../../core/errors.js';
import { redact } from '../../core/redact.js';

test('credentials are taken out by their form', () => {
  const cases = [
    ['GET https://me:hunter22@s3.example/b failed', 'GET https://***@s3.example/b failed'],
    ['https://token@host/x', 'https://***@host/x'],
    [
      'https://b.s3.example/k?X-Amz-Credential=AKIA%2Fx&X-Amz-Date=20260101&X-Amz-Signature=abc123 is gone',
      'https://b.s3.example/k?X-Amz-Credential=***&X-Amz-Date=20260101&X-Amz-Signature=*** is gone',
    ],
    ['?AWSAccessKeyId=AKIA1&Expires=3&Signature=a%3D"', '?AWSAccessKeyId=***&Expires=3&Signature=***"'],
    ['authorization: Bearer eyJhbGci.x-y_z=', 'authorization: Bearer ***'],
  ] as const;
  for (const [text, wanted] of cases) expect(redact(text, {})).toBe(wanted);
});

test('values of secret variables are taken out, wherever they stand', () => {
  const env = {
    OPENAI_API_KEY: 'sk-planted-1',
    AWS_SECRET_ACCESS_KEY: 'aws/planted+2',
    HINDSIGHT_PAYLOAD_KEYS: 'new:cGxhbnRlZA==,old:b2xkZXI0NTY=',
    TEMPORAL_TLS_CLIENT_KEY_PATH: '/etc/tls/client.key',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token',
    SHORT_TOKEN: 'on',
    AWS_ACCESS_KEY_ID: 'AKIAPUBLIC',
  };
  expect(redact('Incorrect API key: sk-planted-1 (aws/planted+2), cGxhbnRlZA== b2xkZXI0NTY=', env)).toBe(
    'Incorrect API key: *** (***), *** ***',
  );
  const harmless = 'AKIAPUBLIC cannot read /etc/tls/client.key on /var/run/token';
  expect(redact(harmless, env)).toBe(harmless);
});

test('what names no credential stays as it is', () => {
  for (const text of [
    's3://hindsight/blobs/sha256/ab',
    'user@host',
    'file:///a/b@2x.png',
    'step 2: loss NaN',
  ])
    expect(redact(text, {})).toBe(text);
});

test('a described error and its causes hold none', () => {
  const cause = new Error('connect http://me:hunter22@host');
  expect(describeError(new TerminalError('a.b', 'no', { cause }))).toBe(
    'no [a.b]\n  cause: connect http://***@host',
  );
});
