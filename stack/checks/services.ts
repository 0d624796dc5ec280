import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import { describeError, HindsightError } from '../../core/errors.js';
import { redact } from '../../core/redact.js';
import { withClient } from '../bucket.js';
import { buildDigest } from '../build-digest.js';
import { connectionFailure } from '../connection-failure.js';
import { isRemote, loadEndpoints, type Endpoints } from '../endpoints.js';
import type { Home } from '../home.js';
import { stackStatus, type ProcessStatus, type StackStatus } from '../status.js';
import type { Check } from './check.js';
import { checkUploads } from './uploads.js';

const patienceMs = 5000;

/** The stack of the home, or the remote cluster and bucket: whether each answers a real request. */
export async function checkServices(home: Home): Promise<Check[]> {
  if (isRemote()) return reachable(home);
  const status = await stackStatus(home);
  if (status.status === 'down') {
    return [
      status.failure === null
        ? { name: 'stack', ok: true, found: `not running (${home.root}); it starts with the first run` }
        : {
            name: 'stack',
            ok: false,
            found: `did not start: ${status.failure}`,
            fix: `see ${home.logs}, then hindsight up`,
          },
    ];
  }
  const requests = status.status === 'ready' ? await reachable(home) : [];
  return [stackLine(status), ...status.processes.map(processLine), ...requests];
}

function stackLine(status: StackStatus): Check {
  const name = 'stack';
  if (status.status !== 'ready') {
    return { name, ok: 'warning', found: `${status.status} (${status.home})`, fix: 'hindsight up' };
  }
  const current = status.build === buildDigest();
  return {
    name,
    ok: current ? true : 'warning',
    found: `up (${status.home}), build ${status.build?.slice(0, 12) ?? '?'}${current ? '' : ', older than dist/'}`,
    ...(current ? {} : { fix: 'hindsight up (restarts the workers)' }),
  };
}

function processLine(entry: ProcessStatus): Check {
  const exit = entry.lastExit === null ? '' : `, last ended with ${entry.lastExit}`;
  const running = entry.status === 'running';
  return {
    name: `  ${entry.name}`,
    ok: running,
    found: `${running ? `process ${entry.identity?.pid ?? '?'}` : entry.status}, ${entry.restarts} restarts${exit}`,
    ...(running ? {} : { fix: `see ${entry.log}` }),
  };
}

async function reachable(home: Home): Promise<Check[]> {
  try {
    const endpoints = await loadEndpoints(home);
    const [temporal, store] = await Promise.all([checkTemporal(endpoints), checkStore(endpoints)]);
    return [temporal, store, ...(store.ok === true ? [await checkUploads(endpoints)] : [])];
  } catch (error) {
    const fix = error instanceof HindsightError ? error.fix : undefined;
    return [{ name: 'endpoints', ok: false, found: firstLine(error), ...(fix === undefined ? {} : { fix }) }];
  }
}

async function checkTemporal(endpoints: Endpoints): Promise<Check> {
  const name = 'Temporal';
  const { temporal } = endpoints;
  try {
    const connection = await Connection.connect({ ...temporal.connection, connectTimeout: patienceMs });
    try {
      await connection.withDeadline(Date.now() + patienceMs, () =>
        connection.workflowService.describeNamespace({ namespace: temporal.namespace }),
      );
    } finally {
      await connection.close();
    }
    return { name, ok: true, found: `${temporal.address}, namespace ${temporal.namespace}` };
  } catch (error) {
    const { message, fix } = await connectionFailure(endpoints, error);
    return { name, ok: false, found: redact(message), ...(fix === undefined ? {} : { fix }) };
  }
}

async function checkStore({ store }: Endpoints): Promise<Check> {
  const name = 'S3';
  const where = `${store.endpoint ?? `AWS ${store.region}`}, bucket ${store.bucket}`;
  const abortSignal = AbortSignal.timeout(patienceMs);
  try {
    await withClient(
      store,
      (client) => client.send(new HeadBucketCommand({ Bucket: store.bucket }), { abortSignal }),
      { maxAttempts: 1 },
    );
    return { name, ok: true, found: redact(where) };
  } catch (error) {
    const found = `${where}: ${error instanceof Error ? `${error.name} ${error.message}` : String(error)}`;
    return { name, ok: false, found: redact(found), fix: 'check bucket, region and credentials' };
  }
}

const firstLine = (error: unknown): string => describeError(error).split('\n')[0] ?? '';
