import { readFileSync } from 'node:fs';
import { TerminalError } from '../core/errors.js';
import { redact } from '../core/redact.js';
import { enterEmbeddedEnvironment } from './environment.js';
import { homePaths, type Home } from './home.js';
import { readState, type StackState } from './state.js';

export const bucketName = 'hindsight';
const region = 'us-east-1';

/** What both `Connection.connect` (client) and `NativeConnection.connect` (worker) take. */
export interface TemporalConnection {
  readonly address: string;
  readonly tls?: boolean | TemporalTls;
  readonly apiKey?: string;
}

export interface TemporalTls {
  readonly serverNameOverride?: string;
  readonly serverRootCACertificate?: Buffer;
  readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
}

/** How to reach Temporal and S3. Holds secrets: never into a workflow argument, a log or an artifact. */
export interface Endpoints {
  readonly kind: 'embedded' | 'remote';
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly connection: TemporalConnection;
    /** Address of the web UI, where known. */
    readonly ui?: string;
  };
  readonly store: {
    readonly endpoint?: string;
    readonly region: string;
    readonly bucket: string;
    readonly prefix?: string;
    readonly accessKeyId?: string;
    readonly secretAccessKey?: string;
    readonly forcePathStyle: boolean;
  };
}

/**
 * The endpoints of this process: those of the embedded stack of the home, or with `HINDSIGHT_STACK=remote` those that
 * the environment names. Does not start anything; see `ensureUp`. With an embedded stack this process stops following
 * the user's TEMPORAL_*, AWS_* and proxy variables: they are removed from its environment.
 * @throws TerminalError `stack.not-up` when no stack was ever started in the home; `stack.remote-incomplete`
 */
export function loadEndpoints(home: Home = homePaths()): Promise<Endpoints> {
  return Promise.resolve().then(() => {
    if (isRemote()) return remoteEndpoints(process.env);
    const state = readState(home);
    if (state === null) {
      throw new TerminalError('stack.not-up', `No stack has been started in ${home.root}`, {
        fix: 'hindsight up',
        fields: { home: home.root },
      });
    }
    enterEmbeddedEnvironment(home);
    return embeddedEndpoints(state);
  });
}

/** Where a store is, in words, without the credentials that an endpoint may carry. */
export function storeAddress({ bucket, endpoint, region }: Endpoints['store']): string {
  return redact(`s3://${bucket} at ${endpoint ?? region}`);
}

/** Whether `HINDSIGHT_STACK` asks for somebody's cluster instead of the embedded stack. */
export function isRemote(): boolean {
  const wanted = process.env['HINDSIGHT_STACK'] ?? 'embedded';
  if (wanted !== 'embedded' && wanted !== 'remote') {
    throw new TerminalError('stack.unknown-kind', `HINDSIGHT_STACK is ${wanted}`, {
      fix: 'set it to embedded or remote',
    });
  }
  return wanted === 'remote';
}

export function embeddedEndpoints(state: StackState): Endpoints {
  const address = `127.0.0.1:${state.ports.temporal}`;
  return {
    kind: 'embedded',
    temporal: {
      address,
      namespace: 'default',
      connection: { address },
      ui: `http://127.0.0.1:${state.ports.temporalUi}`,
    },
    store: {
      endpoint: `http://127.0.0.1:${state.ports.s3}`,
      region,
      bucket: bucketName,
      ...state.credentials,
      forcePathStyle: true,
    },
  };
}

/**
 * Endpoints from Temporal's standard variables (TEMPORAL_ADDRESS, _NAMESPACE, _API_KEY, _TLS, _TLS_SERVER_NAME, and as
 * _PATH or _DATA each: _TLS_SERVER_CA_CERT, _TLS_CLIENT_CERT, _TLS_CLIENT_KEY) and from HINDSIGHT_BUCKET, HINDSIGHT_PREFIX
 * and HINDSIGHT_S3_ENDPOINT; S3 credentials and region come from the AWS SDK's own chain.
 */
export function remoteEndpoints(env: NodeJS.ProcessEnv): Endpoints {
  const address = env['TEMPORAL_ADDRESS'];
  const bucket = env['HINDSIGHT_BUCKET'];
  const missing = [...(address ? [] : ['TEMPORAL_ADDRESS']), ...(bucket ? [] : ['HINDSIGHT_BUCKET'])];
  if (!address || !bucket) {
    throw new TerminalError('stack.remote-incomplete', `A remote stack needs ${missing.join(' and ')}`, {
      fix: `set ${missing.join(' and ')}, or leave out --stack remote`,
      fields: { missing },
    });
  }
  const apiKey = env['TEMPORAL_API_KEY'];
  const endpoint = env['HINDSIGHT_S3_ENDPOINT'];
  const prefix = env['HINDSIGHT_PREFIX'];
  return {
    kind: 'remote',
    temporal: {
      address,
      namespace: env['TEMPORAL_NAMESPACE'] || 'default',
      connection: { address, ...tlsOf(env), ...(apiKey ? { apiKey } : {}) },
    },
    store: {
      region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || region,
      bucket,
      ...(prefix ? { prefix } : {}),
      ...(endpoint ? { endpoint } : {}),
      forcePathStyle: Boolean(endpoint),
    },
  };
}

/** TLS is on when asked for, and without being asked with an API key or a certificate. */
function tlsOf(env: NodeJS.ProcessEnv): Pick<TemporalConnection, 'tls'> {
  const crt = readPem(env, 'TEMPORAL_TLS_CLIENT_CERT');
  const key = readPem(env, 'TEMPORAL_TLS_CLIENT_KEY');
  const ca = readPem(env, 'TEMPORAL_TLS_SERVER_CA_CERT');
  const name = env['TEMPORAL_TLS_SERVER_NAME'];
  if ((crt === undefined) !== (key === undefined)) {
    const lacking = crt === undefined ? 'TEMPORAL_TLS_CLIENT_CERT_PATH' : 'TEMPORAL_TLS_CLIENT_KEY_PATH';
    throw new TerminalError('stack.remote-incomplete', `A client certificate needs ${lacking} too`, {
      fix: `set ${lacking}`,
    });
  }
  const details: TemporalTls = {
    ...(name ? { serverNameOverride: name } : {}),
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
  };
  if (env['TEMPORAL_TLS'] === 'false') return {};
  if (Object.keys(details).length > 0) return { tls: details };
  return env['TEMPORAL_TLS'] === 'true' || env['TEMPORAL_API_KEY'] ? { tls: true } : {};
}

/** The text of a certificate or key: in `NAME_DATA` itself, or in the file at `NAME_PATH`. */
function readPem(env: NodeJS.ProcessEnv, name: string): Buffer | undefined {
  const [data, path] = [env[`${name}_DATA`], env[`${name}_PATH`]];
  if (data && path) {
    throw new TerminalError('stack.remote-incomplete', `${name}_DATA and ${name}_PATH are both set`, {
      fix: 'unset one of them',
    });
  }
  if (data) return Buffer.from(data);
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TerminalError('stack.remote-incomplete', `${name}_PATH: ${path} cannot be read`, {
      fix: `correct ${name}_PATH`,
      cause,
    });
  }
}
