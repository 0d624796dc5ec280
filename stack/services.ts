import { connect } from 'node:net';
import type { Home } from './home.js';
import { logPath } from './log-file.js';
import { payloadKeysVariable } from './payload-encryption/keys.js';
import type { ProcessSpec } from './supervised-process.js';
import type { Ports, StackState } from './state.js';
import type { Tools } from './tools.js';

/** The Temporal dev server on its database file, with web UI and HTTP interface, on loopback only. */
export function temporalServer(
  home: Home,
  tools: Tools,
  ports: Ports,
  env: Record<string, string>,
): ProcessSpec {
  const flags = {
    'db-filename': home.temporalDb,
    ip: '127.0.0.1',
    port: ports.temporal,
    'http-port': ports.temporalHttp,
    'ui-port': ports.temporalUi,
    'metrics-port': ports.temporalMetrics,
    headless: false,
    'log-level': 'error',
    'disable-config-file': true,
    'disable-config-env': true,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return service(home, 'temporal', tools.temporal, ['server', 'start-dev', ...args], env);
}

/** The S3 gateway on a folder, on loopback only. */
export function s3Gateway(
  home: Home,
  tools: Tools,
  state: Pick<StackState, 'ports' | 'credentials' | 'metadata'>,
  env: Record<string, string>,
): ProcessSpec {
  const sidecar = state.metadata === 'sidecar' ? ['--sidecar', home.s3Sidecar] : [];
  const args = [
    '--port',
    `127.0.0.1:${state.ports.s3}`,
    '--quiet',
    '--health',
    '/health',
    'posix',
    ...sidecar,
    home.s3,
  ];
  return service(home, 's3', tools.versitygw, args, {
    ...env,
    ROOT_ACCESS_KEY: state.credentials.accessKeyId,
    ROOT_SECRET_KEY: state.credentials.secretAccessKey,
  });
}

/** Whether the server takes gRPC connections and answers a request that reads its database. */
export async function isTemporalHealthy(ports: Ports): Promise<boolean> {
  return (
    (await acceptsConnections(ports.temporal)) &&
    (await answers(`http://127.0.0.1:${ports.temporalHttp}/api/v1/namespaces/default`))
  );
}

/** Whether the gateway answers requests. */
export function isGatewayHealthy(ports: Ports): Promise<boolean> {
  return answers(`http://127.0.0.1:${ports.s3}/health`);
}

function service(
  home: Home,
  name: string,
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): ProcessSpec {
  return {
    name,
    kind: 'service',
    command,
    args,
    // What workers encrypt, the servers must not be able to read.
    env: Object.fromEntries(Object.entries(env).filter(([variable]) => variable !== payloadKeysVariable)),
    cwd: home.root,
    logFile: logPath(home, name),
    graceMs: 5000,
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    const done = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', done(true)).once('error', done(false)).once('timeout', done(false));
  });
}
