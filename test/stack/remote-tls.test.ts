/**
 * Remote mode over TLS with client certificates. The dev server itself speaks no TLS (`temporal server start-dev` has no
 * option for it), so a TLS proxy of this test stands in front of the real server, as a load balancer would: it checks the
 * client's certificate and passes the bytes on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import { connectionFailure } from '../../stack/connection-failure.js';
import { remoteEndpoints } from '../../stack/endpoints.js';
import { freePort } from '../../stack/ports.js';
import { ensureUp } from '../../stack/up.js';
import { Authority } from './certificates.js';
import { temporaryHome } from './temporary-home.js';
import { tlsProxy } from './tls-proxy.js';

const main = join(packageRoot, 'dist', 'cli', 'main.js');

test('a cluster behind client certificates is worked with, and each refusal says what to set', async () => {
  const home = temporaryHome();
  const { temporal, store } = await ensureUp({ home, workers: [] });
  const plainPort = Number(temporal.address.split(':')[1]);
  const folder = join(home.root, 'tls');
  mkdirSync(folder);
  const [ours, theirs] = [new Authority(folder, 'ours'), new Authority(folder, 'theirs')];
  const [server, client, stranger] = [ours.sign('server'), ours.sign('client'), theirs.sign('stranger')];
  const port = await tlsProxy(plainPort, server, ours.certificate);
  const env: Record<string, string> = {
    PATH: process.env['PATH']!,
    HINDSIGHT_HOME: join(home.root, 'remote'),
    HINDSIGHT_STACK: 'remote',
    TEMPORAL_ADDRESS: `localhost:${port}`,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: ours.certificate,
    TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: client.key,
    HINDSIGHT_BUCKET: store.bucket,
    HINDSIGHT_S3_ENDPOINT: store.endpoint!,
    AWS_ACCESS_KEY_ID: store.accessKeyId!,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey!,
  };
  const hindsight = (args: readonly string[], changed: Record<string, string | undefined> = {}) =>
    execa(process.execPath, [main, ...args], {
      reject: false,
      extendEnv: false,
      env: { ...env, ...changed },
    });

  // A run over TLS, client and workers both: of a video that is none, so it parks after ingest.
  for (const queue of ['orchestrate', 'media']) {
    const worker = spawn(process.execPath, [main, 'worker', queue], { env, stdio: 'ignore' });
    onTestFinished(async () => {
      worker.kill('SIGTERM');
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
    });
  }
  writeFileSync(join(home.root, 'no-video.mp4'), 'not a video');
  const annotations = join(home.root, 'annotations.jsonl');
  writeFileSync(annotations, '{"path": "no-video.mp4", "label": "Normal"}\n');
  const source = `dataset.sources=[{kind: jsonl, annotations: ${annotations}}]`;
  const ran = await hindsight(['run', 'micro', '--run-id', 'over-tls', '--set', source]);
  expect(ran.stderr).toContain(`Temporal localhost:${port} (default)`);
  expect(ran.exitCode, ran.stderr).toBe(3);
  const shown = await hindsight(['show', 'over-tls', '--json']);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    status: 'awaiting',
    reason: expect.stringContaining('1 of 1 videos were rejected') as string,
  });

  const files = 'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH';
  const noCertificate = {
    TEMPORAL_TLS_CLIENT_CERT_PATH: undefined,
    TEMPORAL_TLS_CLIENT_KEY_PATH: undefined,
  };
  const refusals: [Record<string, string | undefined>, string, string][] = [
    [noCertificate, 'it wants a client certificate', `set ${files}`],
    [
      { TEMPORAL_TLS_CLIENT_CERT_PATH: stranger.cert, TEMPORAL_TLS_CLIENT_KEY_PATH: stranger.key },
      "it refuses this client's certificate",
      `set ${files} to one that its authority signed`,
    ],
    [
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: theirs.certificate },
      'not signed by an authority that is trusted here',
      'set TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    ],
    [
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: undefined },
      'not signed by an authority that is trusted here',
      'set TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    ],
    [{ TEMPORAL_TLS_SERVER_NAME: 'elsewhere' }, 'its certificate is for another name', 'TLS_SERVER_NAME'],
    [{ TEMPORAL_TLS_CLIENT_KEY_PATH: server.key }, 'cannot be used', `check that ${files}`],
    [{ TEMPORAL_TLS_CLIENT_CERT_PATH: annotations }, 'cannot be used', `check that ${files}`],
    [{ TEMPORAL_TLS: 'false' }, 'it wants TLS', 'set TEMPORAL_TLS=true'],
    [{ TEMPORAL_ADDRESS: temporal.address }, 'it does not speak TLS', 'set TEMPORAL_TLS=false'],
    [
      { TEMPORAL_ADDRESS: `localhost:${await freePort([])}` },
      'nothing answers there (ECONNREFUSED)',
      'check TEMPORAL_ADDRESS',
    ],
  ];
  await Promise.all(
    refusals.map(async ([changed, problem, fix]) => {
      const endpoints = remoteEndpoints({ ...env, ...changed });
      const failure: unknown = await Connection.connect({
        ...endpoints.temporal.connection,
        connectTimeout: 3000,
      }).then(
        () => expect.fail(`connected with ${JSON.stringify(changed)}`),
        (error: unknown) => connectionFailure(endpoints, error),
      );
      expect(failure, JSON.stringify(changed)).toMatchObject({
        message: expect.stringContaining(problem) as string,
        fix: expect.stringContaining(fix) as string,
      });
    }),
  );

  // What a person sees of it, from a verb and from a worker.
  const wrongAuthority = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: theirs.certificate };
  for (const [args, changed, problem, fix] of [
    [['cancel', 'over-tls'], wrongAuthority, refusals[2]![1], refusals[2]![2]],
    [['worker', 'media'], wrongAuthority, refusals[2]![1], refusals[2]![2]],
    [['worker', 'media'], noCertificate, refusals[0]![1], refusals[0]![2]],
  ] as const) {
    const refused = await hindsight(args, changed);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`Temporal at localhost:${port}: `);
    expect(refused.stderr).toContain(problem);
    expect(refused.stderr).toContain(`fix: ${fix}`);
  }
}, 240_000);
