import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { bringDown } from '../../stack/down.js';
import { loadEndpoints, type Endpoints } from '../../stack/endpoints.js';
import type { Home } from '../../stack/home.js';
import { lockHolder, supervisorLock } from '../../stack/lock.js';
import { isAlive, type ProcessIdentity } from '../../stack/process-identity.js';
import { readState, writeState, type StackState } from '../../stack/state.js';
import { stackStatus } from '../../stack/status.js';
import { ensureUp } from '../../stack/up.js';
import type { WorkerCommand } from '../../stack/workers.js';
import { temporaryHome } from './temporary-home.js';

/** Stands in for a queue's worker: writes down its environment and process id, then does nothing. */
const idle: WorkerCommand = {
  name: 'idle',
  command: process.execPath,
  args: [
    '-e',
    `require('fs').writeFileSync('idle-environment.json', JSON.stringify(process.env));
     setInterval(() => {}, 1000);`,
  ],
};
const none: readonly WorkerCommand[] = [];
const limit = { timeout: 180_000 };

function stateOf(home: Home): StackState {
  const state = readState(home);
  if (state === null) throw new Error(`no state in ${home.root}`);
  return state;
}

function identityOf(home: Home, name: string): ProcessIdentity {
  const identity = stateOf(home).processes.find((each) => each.name === name)?.identity ?? null;
  if (identity === null) throw new Error(`${name} does not run`);
  return identity;
}

/** Process ids whose command line names this home. */
function processesOf(home: Home): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(home.root);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function useTemporal({ temporal }: Endpoints): Promise<string> {
  const connection = await Connection.connect(temporal.connection);
  try {
    const client = new Client({ connection, namespace: temporal.namespace });
    const { namespaceInfo } = await client.workflowService.describeNamespace({
      namespace: temporal.namespace,
    });
    return namespaceInfo?.name ?? '';
  } finally {
    await connection.close();
  }
}

async function useStore({ store }: Endpoints, body: string): Promise<string> {
  const { accessKeyId = '', secretAccessKey = '', bucket: Bucket, ...options } = store;
  const client = new S3Client({ ...options, credentials: { accessKeyId, secretAccessKey } });
  try {
    await client.send(new PutObjectCommand({ Bucket, Key: 'try/object', Body: body }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'try/object' }));
    return (await Body?.transformToString()) ?? '';
  } finally {
    client.destroy();
  }
}

test('two verbs that start at once end with one supervisor and the same endpoints', limit, async () => {
  const home = temporaryHome();
  const [first, second] = await Promise.all([
    ensureUp({ home, workers: none }),
    ensureUp({ home, workers: none }),
  ]);
  expect(second).toEqual(first);
  const supervisors = processesOf(home).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('supervisor-main'),
  );
  expect(supervisors).toEqual([lockHolder(supervisorLock(home))?.pid]);
  expect(await useTemporal(first)).toBe('default');
  expect(await useStore(first, 'hello')).toBe('hello');
  expect(await loadEndpoints(home)).toEqual(first);
});

test('stack.json is readable by its owner only, and status shows no secret', limit, async () => {
  const home = temporaryHome();
  const { store } = await ensureUp({ home, workers: none });
  expect(statSync(home.stackFile).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(await stackStatus(home))).not.toContain(store.secretAccessKey);
  const commandLines = processesOf(home).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  expect(commandLines.join('\n')).not.toContain(store.secretAccessKey);
});

test('killed servers and workers come back on the same ports, with their data', limit, async () => {
  const home = temporaryHome();
  const endpoints = await ensureUp({ home, workers: [idle] });
  expect(await useStore(endpoints, 'kept')).toBe('kept');
  const before = ['temporal', 's3', 'idle'].map((name) => identityOf(home, name));
  for (const { pid } of before) process.kill(pid, 'SIGKILL');
  const killedAt = Date.now();
  await vi.waitFor(() => expect(identityOf(home, 'idle')).not.toEqual(before[2]), {
    timeout: 5000,
    interval: 20,
  });
  expect(Date.now() - killedAt).toBeLessThan(3000);
  // Joining waits until the servers answer again.
  expect(await ensureUp({ home, workers: [idle] })).toEqual(endpoints);
  expect(await useTemporal(endpoints)).toBe('default');
  expect(await useStore(endpoints, 'again')).toBe('again');
  const { processes } = await stackStatus(home);
  expect(
    processes.map(({ name, status, restarts, lastExit }) => ({ name, status, restarts, lastExit })),
  ).toEqual([
    { name: 'temporal', status: 'running', restarts: 1, lastExit: 'SIGKILL' },
    { name: 's3', status: 'running', restarts: 1, lastExit: 'SIGKILL' },
    { name: 'idle', status: 'running', restarts: 1, lastExit: 'SIGKILL' },
  ]);
});

test(
  'a worker that ends at once is tried again ever more slowly, and the servers do not mind',
  limit,
  async () => {
    const home = temporaryHome();
    const broken = {
      name: 'broken',
      command: process.execPath,
      args: ['-e', 'console.error("no queue"); process.exit(7)'],
    };
    await ensureUp({ home, workers: [broken] });
    await vi.waitFor(() => expect(stateOf(home).processes[2]?.restarts).toBeGreaterThanOrEqual(2), {
      timeout: 10_000,
    });
    const status = await stackStatus(home);
    expect(status.status).toBe('ready');
    expect(status.processes[2]?.lastExit).toBe('exit code 7');
    expect(readFileSync(join(home.logs, 'broken.log'), 'utf8')).toContain('no queue');
  },
);

test(
  'down leaves no process, and up again finds the data, the ports and the credentials',
  limit,
  async () => {
    const home = temporaryHome();
    const endpoints = await ensureUp({ home, workers: [idle] });
    await useStore(endpoints, 'kept');
    expect(processesOf(home).length).toBeGreaterThanOrEqual(3);
    const identities = stateOf(home).processes.map((each) => each.identity);
    expect(await bringDown({ home })).toBe(true);
    expect(processesOf(home)).toEqual([]);
    for (const identity of identities) expect(identity !== null && isAlive(identity)).toBe(false);
    expect(await stackStatus(home)).toMatchObject({ status: 'down', supervisor: null, failure: null });
    expect(await bringDown({ home })).toBe(false);
    expect(await ensureUp({ home, workers: none })).toEqual(endpoints);
    expect(await useStore(endpoints, 'kept')).toBe('kept');
  },
);

test('when the supervisor is killed, everything it had started ends with it', limit, async () => {
  const home = temporaryHome();
  await ensureUp({ home, workers: [idle] });
  const { supervisor, processes } = stateOf(home);
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  await vi.waitFor(
    () => expect(processes.filter((each) => each.identity !== null && isAlive(each.identity))).toEqual([]),
    {
      timeout: 10_000,
      interval: 50,
    },
  );
  // Its lock is stale now: the next start recognises that.
  expect(await stackStatus(home)).toMatchObject({ status: 'down' });
  await ensureUp({ home, workers: none });
  expect(stateOf(home).supervisor?.pid).not.toBe(supervisor?.pid);
});

test(
  'leftovers of a supervisor and its watchdog, both killed, are ended by the next start',
  limit,
  async () => {
    const home = temporaryHome();
    const endpoints = await ensureUp({ home, workers: [idle] });
    const supervisor = stateOf(home).supervisor?.pid ?? 0;
    const watchdog = Number(
      execFileSync('ps', ['-o', 'pid=,comm=', '--ppid', String(supervisor)], { encoding: 'utf8' })
        .split('\n')
        .find((line) => line.endsWith(' sh'))
        ?.trim()
        .split(' ')[0],
    );
    const leftovers = ['temporal', 's3', 'idle'].map((name) => identityOf(home, name));
    process.kill(watchdog, 'SIGKILL');
    process.kill(supervisor, 'SIGKILL');
    expect(leftovers.map(isAlive)).toEqual([true, true, true]);
    expect(await ensureUp({ home, workers: none })).toEqual(endpoints);
    expect(leftovers.map(isAlive)).toEqual([false, false, false]);
  },
);

test('a lock of a process that is gone does not keep the stack from starting', limit, async () => {
  const home = temporaryHome();
  // The process id lives, but as another process than the one that took the lock.
  writeFileSync(supervisorLock(home), JSON.stringify({ pid: process.pid, startedAt: '1' }));
  expect(await useTemporal(await ensureUp({ home, workers: none }))).toBe('default');
});

test('a port that somebody else took meanwhile is replaced, the others stay', limit, async () => {
  const home = temporaryHome();
  await ensureUp({ home, workers: none });
  await bringDown({ home });
  const { ports } = stateOf(home);
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(ports.s3, '127.0.0.1', resolve));
  onTestFinished(() => void squatter.close());
  const endpoints = await ensureUp({ home, workers: none });
  expect(await useStore(endpoints, 'elsewhere')).toBe('elsewhere');
  const after = stateOf(home).ports;
  expect(after.s3).not.toBe(ports.s3);
  expect({ ...after, s3: 0 }).toEqual({ ...ports, s3: 0 });
});

test('what points at the clouds and proxies of the user is ignored', limit, async () => {
  const home = temporaryHome();
  Object.assign(process.env, {
    TEMPORAL_ADDRESS: 'somebody.example:7233',
    TEMPORAL_NAMESPACE: 'theirs',
    TEMPORAL_API_KEY: 'nonsense',
    TEMPORAL_TLS: 'true',
    TEMPORAL_TLS_CLIENT_CERT_PATH: '/nonsense',
    TEMPORAL_CONFIG_FILE: '/nonsense',
    TEMPORAL_PROFILE: 'nonsense',
    AWS_CA_BUNDLE: '/nonsense',
    AWS_SESSION_TOKEN: 'nonsense',
    ALL_PROXY: 'http://127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'nonsense',
    AWS_PROFILE: 'absent',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_USE_FIPS_ENDPOINT: 'true',
    HTTP_PROXY: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
    https_proxy: 'http://127.0.0.1:1',
    grpc_proxy: 'http://127.0.0.1:1',
    ROOT_ACCESS_KEY: 'nonsense',
    KEPT: 'yes',
  });
  const endpoints = await ensureUp({ home, workers: [{ ...idle, env: { OF_ITS_OWN: 'yes' } }] });
  expect(endpoints.kind).toBe('embedded');
  expect(await useTemporal(endpoints)).toBe('default');
  expect(await useStore(endpoints, 'mine')).toBe('mine');
  const seen = await vi.waitFor(
    () =>
      JSON.parse(readFileSync(join(home.root, 'idle-environment.json'), 'utf8')) as Record<string, string>,
    { timeout: 10_000 },
  );
  expect(seen['KEPT']).toBe('yes');
  expect(seen['OF_ITS_OWN']).toBe('yes');
  expect(seen['HINDSIGHT_HOME']).toBe(home.root);
  expect(
    Object.entries(seen).filter(([, value]) => /nonsense|somebody|theirs|127\.0\.0\.1:1$/.test(value)),
  ).toEqual([]);
});

test('workers of another build are replaced, with a word about it', limit, async () => {
  const home = temporaryHome();
  const endpoints = await ensureUp({ home, workers: [idle] });
  const before = identityOf(home, 'idle');
  writeState(home, { ...stateOf(home), build: 'of yesterday' });
  const said: string[] = [];
  expect(await ensureUp({ home, workers: [idle], onProgress: (line) => said.push(line) })).toEqual(endpoints);
  expect(said[0]).toBe('restarting the stack: its workers are of another build');
  expect(isAlive(before)).toBe(false);
  expect(identityOf(home, 'idle')).not.toEqual(before);
  // Joining a stack of today's build says and restarts nothing.
  const running = identityOf(home, 'idle');
  await ensureUp({ home, workers: [idle], onProgress: (line) => said.push(line) });
  expect(said.filter((line) => line.startsWith('restarting'))).toHaveLength(1);
  expect(identityOf(home, 'idle')).toEqual(running);
});

test('a server that cannot start is named, with the end of its log', limit, async () => {
  const home = temporaryHome();
  writeFileSync(home.temporalDb, 'this is no database, but long enough to be taken for one'.repeat(100));
  const failure = await ensureUp({ home, workers: none }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'stack.start-failed', retryable: false });
  expect(String(failure)).toMatch(/temporal ended with exit code 1/);
  expect(String(failure)).toMatch(/file is not a database/);
  expect(processesOf(home)).toEqual([]);
  expect(await stackStatus(home)).toMatchObject({ status: 'down' });
});
