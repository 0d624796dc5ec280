import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadEndpoints, remoteEndpoints } from '../../stack/endpoints.js';
import { temporaryHome } from './temporary-home.js';

test('a home without a stack says how to start one', async () => {
  await expect(loadEndpoints(temporaryHome())).rejects.toMatchObject({
    code: 'stack.not-up',
    fix: 'hindsight up',
  });
});

test('a stack.json that cannot be read is no stack', async () => {
  const home = temporaryHome();
  writeFileSync(home.stackFile, '{"schema": 1');
  await expect(loadEndpoints(home)).rejects.toMatchObject({ code: 'stack.not-up' });
});

test('a stack that is neither embedded nor remote is refused', async () => {
  const home = temporaryHome();
  process.env['HINDSIGHT_STACK'] = 'cloud';
  await expect(loadEndpoints(home)).rejects.toMatchObject({ code: 'stack.unknown-kind' });
});

test('remote endpoints come from the environment', async () => {
  const home = temporaryHome();
  Object.assign(process.env, {
    HINDSIGHT_STACK: 'remote',
    TEMPORAL_ADDRESS: 'cluster.example:7233',
    HINDSIGHT_BUCKET: 'our-bucket',
    AWS_REGION: 'eu-west-1',
  });
  expect(await loadEndpoints(home)).toEqual({
    kind: 'remote',
    temporal: {
      address: 'cluster.example:7233',
      namespace: 'default',
      connection: { address: 'cluster.example:7233' },
    },
    store: { region: 'eu-west-1', bucket: 'our-bucket', forcePathStyle: false },
  });
  // What is remote keeps the user's environment.
  expect(process.env['TEMPORAL_ADDRESS']).toBe('cluster.example:7233');
});

test('what is missing is named', () => {
  expect(() => remoteEndpoints({ HINDSIGHT_BUCKET: 'b' })).toThrow('A remote stack needs TEMPORAL_ADDRESS');
  expect(() => remoteEndpoints({ TEMPORAL_ADDRESS: 'a:1' })).toThrow('A remote stack needs HINDSIGHT_BUCKET');
  expect(() => remoteEndpoints({})).toThrow('TEMPORAL_ADDRESS and HINDSIGHT_BUCKET');
});

const base = { TEMPORAL_ADDRESS: 'a:1', HINDSIGHT_BUCKET: 'b' };

test('an API key implies TLS, unless TLS is switched off', () => {
  const withKey = { ...base, TEMPORAL_API_KEY: 'k', TEMPORAL_NAMESPACE: 'ours' };
  expect(remoteEndpoints(withKey).temporal).toEqual({
    address: 'a:1',
    namespace: 'ours',
    connection: { address: 'a:1', tls: true, apiKey: 'k' },
  });
  expect(remoteEndpoints({ ...withKey, TEMPORAL_TLS: 'false' }).temporal.connection.tls).toBeUndefined();
  expect(remoteEndpoints({ ...base, TEMPORAL_TLS: 'true' }).temporal.connection.tls).toBe(true);
});

test('client certificates are read from their files, both or none', () => {
  const { root } = temporaryHome();
  const [crt, key] = [join(root, 'crt'), join(root, 'key')];
  writeFileSync(crt, 'C');
  writeFileSync(key, 'K');
  const both = { ...base, TEMPORAL_TLS_CLIENT_CERT_PATH: crt, TEMPORAL_TLS_CLIENT_KEY_PATH: key };
  expect(remoteEndpoints({ ...both, TEMPORAL_TLS_SERVER_NAME: 'inside' }).temporal.connection.tls).toEqual({
    serverNameOverride: 'inside',
    clientCertPair: { crt: Buffer.from('C'), key: Buffer.from('K') },
  });
  expect(() => remoteEndpoints({ ...base, TEMPORAL_TLS_CLIENT_CERT_PATH: crt })).toThrow(
    'TEMPORAL_TLS_CLIENT_KEY_PATH',
  );
  expect(() => remoteEndpoints({ ...base, TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(root, 'no') })).toThrow(
    'cannot be read',
  );
});

test('certificates may stand in the variables themselves, but not twice', () => {
  const data = { ...base, TEMPORAL_TLS_CLIENT_CERT_DATA: 'C', TEMPORAL_TLS_CLIENT_KEY_DATA: 'K' };
  expect(remoteEndpoints({ ...data, TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'A' }).temporal.connection.tls).toEqual(
    {
      serverRootCACertificate: Buffer.from('A'),
      clientCertPair: { crt: Buffer.from('C'), key: Buffer.from('K') },
    },
  );
  expect(() => remoteEndpoints({ ...data, TEMPORAL_TLS_CLIENT_KEY_PATH: '/k' })).toThrow(
    'TEMPORAL_TLS_CLIENT_KEY_DATA and TEMPORAL_TLS_CLIENT_KEY_PATH are both set',
  );
});

test('another S3 service is reached under its own address, with a prefix', () => {
  const env = { ...base, HINDSIGHT_S3_ENDPOINT: 'https://s3.example', HINDSIGHT_PREFIX: 'team/' };
  expect(remoteEndpoints(env).store).toEqual({
    endpoint: 'https://s3.example',
    region: 'us-east-1',
    bucket: 'b',
    prefix: 'team/',
    forcePathStyle: true,
  });
});
