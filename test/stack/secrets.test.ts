import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import { ensureUp } from '../../stack/up.js';
import { renderMicroClips } from '../../bench/pipeline/micro-clips.js';
import { Authority } from './certificates.js';
import { rawHistories } from './raw-histories.js';
import { temporaryHome } from './temporary-home.js';
import { tlsProxy } from './tls-proxy.js';

const main = join(packageRoot, 'dist', 'cli', 'main.js');

/** Every file below a folder with its bytes, by relative path. */
const filesBelow = (folder: string): [string, Buffer][] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => [name, readFileSync(join(folder, name))]);

test('no secret gets out of the environment of those who need it, whichever way a run fails', async () => {
  const planted = (prefix: string): string => `${prefix}${randomBytes(18).toString('hex')}`;
  const [teacherKey, temporalKey, wrongSecret, password] = [
    planted('sk-'),
    planted('tk-'),
    planted('aws'),
    planted('pw'),
  ];
  const home = temporaryHome();
  // The servers are started by somebody with all of it in the environment.
  const foreign = {
    OPENAI_API_KEY: teacherKey,
    TEMPORAL_API_KEY: temporalKey,
    AWS_SECRET_ACCESS_KEY: wrongSecret,
  };
  Object.assign(process.env, foreign);
  const endpoints = await ensureUp({ home, workers: [] });
  const { temporal, store } = endpoints;
  const secrets = [teacherKey, temporalKey, wrongSecret, password, store.secretAccessKey!];

  const tls = join(home.root, 'tls');
  mkdirSync(tls);
  const authority = new Authority(tls, 'authority');
  const client = authority.sign('client');
  const behind = Number(temporal.address.split(':')[1]);
  const port = await tlsProxy(behind, authority.sign('server'), authority.certificate);
  const env: Record<string, string> = {
    PATH: process.env['PATH']!,
    HINDSIGHT_HOME: join(home.root, 'remote'),
    HINDSIGHT_STACK: 'remote',
    HINDSIGHT_DEBUG: '1',
    TEMPORAL_ADDRESS: `localhost:${port}`,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.certificate,
    TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: client.key,
    TEMPORAL_API_KEY: temporalKey,
    OPENAI_API_KEY: teacherKey,
    HINDSIGHT_BUCKET: store.bucket,
    HINDSIGHT_S3_ENDPOINT: store.endpoint!,
    AWS_ACCESS_KEY_ID: store.accessKeyId!,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey!,
  };
  let said = '';
  const hindsight = async (args: readonly string[], changed: Record<string, string> = {}) => {
    const ended = await execa(process.execPath, [main, ...args], {
      reject: false,
      extendEnv: false,
      env: { ...env, ...changed },
    });
    said += `${ended.stdout}\n${ended.stderr}\n`;
    return ended;
  };
  const worker = (queue: string, changed: Record<string, string> = {}): ChildProcess => {
    const child = spawn(process.execPath, [main, 'worker', queue], {
      env: { ...env, ...changed },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    onTestFinished(() => end(child));
    return child;
  };
  worker('orchestrate');
  worker('media');
  let gpu = worker('gpu');

  // First the numbers fail, then the store refuses the worker, then the run comes to its end.
  const clips = join(home.root, 'clips');
  const source = `dataset.sources=[{kind: jsonl, annotations: ${await renderMicroClips(clips)}}]`;
  const small = [
    'stages=[sft]',
    'sft.steps=2',
    'sft.visionWarmup.steps=1',
    'evaluation.sampling.maxTokens=16',
  ];
  const set = [source, ...small, 'sft.optimizer.learningRate=1e30'].flatMap((one) => ['--set', one]);
  const failed = await hindsight(['run', 'micro', '--run-id', 'leaky', ...set]);
  expect(failed.exitCode, failed.stderr).toBe(3);
  expect(failed.stderr + failed.stdout).toContain('training.not-finite');
  const running = execFileSync('ps', ['-ef', 'ww'], { encoding: 'utf8' });
  expect(running).toContain(`${main} worker gpu`);

  await end(gpu);
  gpu = worker('gpu', { AWS_SECRET_ACCESS_KEY: wrongSecret });
  const refused = await hindsight(['resume', 'leaky']);
  expect(refused.exitCode, refused.stderr).toBe(3);
  expect(refused.stderr + refused.stdout).toContain('store.refused');
  const unsigned = await hindsight(['list'], { AWS_SECRET_ACCESS_KEY: wrongSecret });
  expect(unsigned.stderr).toContain('store.refused');
  const shown = await hindsight(['show', 'leaky', '--json']);
  expect(shown.stdout).toContain('store.refused');

  await end(gpu);
  gpu = worker('gpu');
  const done = await hindsight(['resume', 'leaky', '--set', 'sft.optimizer.learningRate=1e-3']);
  expect(done.exitCode, done.stderr).toBe(0);
  await hindsight(['logs', 'leaky']);
  await hindsight(['show', 'leaky', '--json']);

  // Credentials in the address itself, of a store that does not answer.
  const inAddress = { HINDSIGHT_S3_ENDPOINT: `http://user:${password}@127.0.0.1:9` };
  expect((await hindsight(['list'], inAddress)).stderr).toContain('127.0.0.1:9');
  expect((await hindsight(['doctor', '--json'], inAddress)).stdout).toContain('http://***@127.0.0.1:9');
  // A worker whose keys are no keys says so, and no more.
  const malformed = await hindsight(['worker', 'media'], { HINDSIGHT_PAYLOAD_KEYS: password });
  expect(malformed.stderr).toContain('HINDSIGHT_PAYLOAD_KEYS: entry 1 has no id');

  const histories = Buffer.concat((await rawHistories(endpoints)).map(({ bytes }) => bytes));
  const files = filesBelow(home.root).filter(([name]) => name !== 'stack.json');
  const places: [string, Buffer][] = [
    ...files,
    ['histories', histories],
    ['output', Buffer.from(said)],
    ['processes', Buffer.from(running)],
  ];
  for (const [place, bytes] of places) {
    for (const secret of secrets) expect(bytes.includes(secret), `${secret} in ${place}`).toBe(false);
  }
  // The search reaches what it claims to reach.
  const holding = (text: string): string[] =>
    places.filter(([, bytes]) => bytes.includes(text)).map(([name]) => name);
  const where = holding('gradient norm NaN').join('\n');
  for (const place of ['histories', 'output', 's3/hindsight/runs/leaky/logs/sft/', 'temporal.db'])
    expect(where).toContain(place);
  expect(holding('<!doctype html').join('\n')).toMatch(/s3\/hindsight\/blobs\//);
  expect(statSync(home.stackFile).mode & 0o777).toBe(0o600);
  const recorded = readFileSync(home.stackFile, 'utf8');
  for (const secret of [teacherKey, temporalKey, wrongSecret]) expect(recorded).not.toContain(secret);
}, 280_000);

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
