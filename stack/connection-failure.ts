import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { RetryableError, TerminalError, type HindsightError } from '../core/errors.js';
import type { Endpoints, TemporalConnection } from './endpoints.js';

const patienceMs = 3000;
/** How HTTP/2, and so gRPC, begins: a server that takes the connection answers with its settings (RFC 9113, 3.4). */
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

interface Finding {
  readonly problem: string;
  readonly fix: string;
  /** Nothing answers now: that may change by itself. */
  readonly passing?: true;
}

/**
 * Why Temporal could not be reached. The SDK's clients say little more than that the deadline passed, so the connection
 * is tried once more, step by step.
 * @returns RetryableError `stack.temporal-unreachable` or TerminalError `stack.temporal-refused`, with `cause`
 */
export async function connectionFailure(
  { kind, temporal }: Pick<Endpoints, 'kind' | 'temporal'>,
  cause: unknown,
): Promise<HindsightError> {
  const { address, connection } = temporal;
  const call = failedCall(cause);
  const finding =
    (kind === 'embedded' ? null : (refusedCall(call) ?? (await examine(connection)))) ??
    ({
      problem: `it does not answer (${call.text})`,
      fix:
        kind === 'embedded'
          ? '`hindsight doctor` shows which server is down; `hindsight down` and `hindsight up` start them afresh'
          : 'check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and TEMPORAL_API_KEY',
      passing: true,
    } satisfies Finding);
  const message = `Temporal at ${address}: ${finding.problem}`;
  const options = { fix: finding.fix, fields: { address }, cause };
  return finding.passing
    ? new RetryableError('stack.temporal-unreachable', message, options)
    : new TerminalError('stack.temporal-refused', message, options);
}

/** What gRPC said, in whatever the SDK wrapped it; its first line. */
function failedCall(cause: unknown): { readonly code: unknown; readonly text: string } {
  let text = cause instanceof Error ? cause.message : String(cause);
  let code: unknown = null;
  for (let at = cause; at instanceof Error; at = at.cause) {
    if ('details' in at && typeof at.details === 'string' && at.details !== '') text = at.details;
    if ('code' in at) code = at.code;
  }
  return { code, text: text.split('\n')[0]!.slice(0, 200) };
}

/** gRPC's UNAUTHENTICATED (16) and PERMISSION_DENIED (7), from either SDK client. */
function refusedCall({ code, text }: ReturnType<typeof failedCall>): Finding | null {
  if (code !== 16 && code !== 7 && !/unauthenticated|permission ?denied/i.test(text)) return null;
  return { problem: 'it does not let this client in', fix: 'check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE' };
}

async function examine(connection: TemporalConnection): Promise<Finding | null> {
  const { host, port } = parseAddress(connection.address);
  const tcp = await attempt(() => connectTcp({ host, port }), 'connect');
  if (tcp !== null) {
    return { problem: `nothing answers there (${tcp.code})`, fix: 'check TEMPORAL_ADDRESS', passing: true };
  }
  if (connection.tls === undefined || connection.tls === false) {
    const servername = isIP(host) === 0 ? host : '';
    const speaksTls = await attempt(
      () => connectTls({ host, port, servername, ALPNProtocols: ['h2'], rejectUnauthorized: false }),
      'secureConnect',
    );
    if (speaksTls !== null) return null;
    return { problem: 'it wants TLS', fix: 'set TEMPORAL_TLS=true' };
  }
  const tls = connection.tls === true ? {} : connection.tls;
  const servername = tls.serverNameOverride ?? (isIP(host) === 0 ? host : undefined);
  let shaken = false;
  const failure = await attempt(() => {
    const socket = connectTls({
      host,
      port,
      ALPNProtocols: ['h2'],
      ...(servername === undefined ? {} : { servername }),
      ...(tls.serverRootCACertificate === undefined ? {} : { ca: tls.serverRootCACertificate }),
      ...(tls.clientCertPair === undefined
        ? {}
        : { cert: tls.clientCertPair.crt, key: tls.clientCertPair.key }),
    });
    return socket.once('secureConnect', () => {
      shaken = true;
      socket.write(preface);
    });
  }, 'data');
  return failure === null ? null : explain(failure, shaken, tls.clientCertPair !== undefined);
}

/** Null once the socket has emitted `event`, else what it or the making of it ended with. */
async function attempt(
  make: () => Socket,
  event: 'connect' | 'secureConnect' | 'data',
): Promise<{ readonly code: string; readonly message: string } | null> {
  let socket: Socket | undefined;
  const stop = new AbortController();
  try {
    socket = make();
    const closed = once(socket, 'close', { signal: stop.signal }).then(() => {
      throw Object.assign(new Error('it closed the connection'), { code: 'closed' });
    });
    const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(patienceMs)]);
    await Promise.race([once(socket, event, { signal: limit }), closed]);
    return null;
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException;
    return { code: name === 'AbortError' ? 'no answer in time' : String(code), message };
  } finally {
    stop.abort();
    socket?.on('error', () => undefined).destroy();
  }
}

/** What a failed handshake means, by Node's and OpenSSL's codes. */
function explain(
  { code, message }: { readonly code: string; readonly message: string },
  shaken: boolean,
  withCertificate: boolean,
): Finding {
  const files = 'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      problem: `its certificate is for another name (${message})`,
      fix: 'set TEMPORAL_TLS_SERVER_NAME to a name in it',
    };
  }
  if (code === 'CERT_HAS_EXPIRED')
    return { problem: 'its certificate has expired', fix: 'renew it on the server' };
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)/.test(code)) {
    return {
      problem: `its certificate is not signed by an authority that is trusted here (${code})`,
      fix: 'set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the certificate of the authority that signed it',
    };
  }
  if (code.startsWith('ERR_OSSL_')) {
    return {
      problem: `the files of this client's certificate cannot be used (${code})`,
      fix: `check that ${files} are PEM files that belong together`,
    };
  }
  if (/_ALERT_/.test(code) || (shaken && code !== 'no answer in time')) {
    return withCertificate
      ? {
          problem: `it refuses this client's certificate (${code})`,
          fix: `set ${files} to one that its authority signed`,
        }
      : { problem: `it wants a client certificate (${code})`, fix: `set ${files}` };
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'closed' || code === 'ECONNRESET') {
    return {
      problem: `it does not speak TLS (${code})`,
      fix: 'set TEMPORAL_TLS=false, or correct TEMPORAL_ADDRESS',
    };
  }
  return { problem: `TLS fails: ${message} (${code})`, fix: 'check the TEMPORAL_TLS_* variables' };
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = address, port = '7233'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  return { host, port: Number(port) };
}
