import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryableError, TerminalError } from '../core/errors.js';
import { buildDigest, distFolder } from './build-digest.js';
import { stopStack } from './down.js';
import { embeddedEndpoints, isRemote, loadEndpoints, type Endpoints } from './endpoints.js';
import { embeddedEnvironment, enterEmbeddedEnvironment } from './environment.js';
import { createHome, homePaths, type Home } from './home.js';
import { changeLock, lockHolder, supervisorLock, waitForLock } from './lock.js';
import { logPath, rotateLog, tailLog } from './log-file.js';
import { payloadKeyFingerprints, payloadKeys, payloadKeysVariable } from './payload-encryption/keys.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';
import { isGatewayHealthy, isTemporalHealthy } from './services.js';
import { readState, type StackState } from './state.js';
import { loadTools } from './tools.js';
import { workerCommands, type WorkerCommand } from './workers.js';

const readyLimitMs = 90_000;
/** For who only looks: time for a server that has just ended to be back. */
const lookLimitMs = 4000;
const changeLimitMs = 120_000;

export interface UpOptions {
  readonly home?: Home;
  /** Gets a line before each wait; nothing when the stack is up already. */
  readonly onProgress?: (line: string) => void;
  /** What to run as workers; by default one process per queue of today's build. */
  readonly workers?: readonly WorkerCommand[];
  /** Gives up soon on a stack that is up and of which a server does not answer: for verbs that can do without. */
  readonly onlyLook?: boolean;
}

/**
 * Starts the embedded stack of a home or joins the running one, and returns when its servers answer and its workers
 * are started. A stack of another build, with other workers or with fewer payload keys is restarted. With `HINDSIGHT_STACK=remote` nothing is
 * started. Side effect as with {@link loadEndpoints}: this process no longer follows the user's cloud variables.
 * @throws TerminalError `stack.tools-missing`, `stack.not-built`, `stack.start-failed`, `stack.keys-missing`,
 *   `payload.keys-malformed`; RetryableError `stack.not-ready`
 */
export async function ensureUp(options: UpOptions = {}): Promise<Endpoints> {
  const { home = homePaths(), onProgress, workers = workerCommands(), onlyLook = false } = options;
  const keys = payloadKeyFingerprints(payloadKeys());
  if (isRemote()) return loadEndpoints(home);
  loadTools();
  const build = buildDigest();
  createHome(home);
  const lock = await waitForLock(changeLock(home), changeLimitMs, (holder) =>
    onProgress?.(`waiting for process ${holder.pid}, which is starting or stopping the stack`),
  );
  try {
    let supervisor = lockHolder(supervisorLock(home));
    if (supervisor !== null) {
      const state = readState(home);
      requireKeysOf(state, keys);
      const why = difference(state, supervisor, build, workers, keys);
      if (why !== null) {
        onProgress?.(`restarting the stack: ${why}`);
        await stopStack(home, onProgress);
        supervisor = null;
      }
    }
    if (supervisor === null) {
      onProgress?.('starting the Temporal server, the S3 gateway and the workers');
      supervisor = launch(home, workers);
    }
    const state = await untilReady(home, supervisor, onlyLook);
    enterEmbeddedEnvironment(home);
    return embeddedEndpoints(state);
  } finally {
    lock.release();
  }
}

/** Why the running stack will not do, or null. */
function difference(
  state: StackState | null,
  supervisor: ProcessIdentity,
  build: string,
  workers: readonly WorkerCommand[],
  keys: readonly string[],
): string | null {
  if (state?.supervisor?.pid !== supervisor.pid) return 'its state was lost';
  if (state.status === 'stopping') return 'it was stopping';
  if (state.build !== build) return 'its workers are of another build';
  const wanted = workers.map((worker) => worker.name).join(', ');
  if (state.workers.join(', ') !== wanted)
    return `it runs other workers (${state.workers.join(', ') || 'none'})`;
  return state.payloadKeys.join() === keys.join() ? null : 'its workers hold other payload keys';
}

/** A verb without the keys of the running stack could not read it, and would start runs that anybody can read. */
function requireKeysOf(state: StackState | null, keys: readonly string[]): void {
  const missing = (state?.payloadKeys ?? []).filter((key) => !keys.includes(key)).map(idOf);
  if (missing.length === 0) return;
  throw new TerminalError(
    'stack.keys-missing',
    `the running stack encrypts payloads, and ${payloadKeysVariable} lacks keys of it: ${missing.join(', ')}`,
    {
      fix: `set ${payloadKeysVariable} as where the stack was started, or drop the keys with \`hindsight down\``,
      fields: { missing },
    },
  );
}

const idOf = (fingerprint: string): string => fingerprint.slice(0, fingerprint.lastIndexOf(':'));

/** Starts the supervisor as a process that outlives this one and its terminal. */
function launch(home: Home, workers: readonly WorkerCommand[]): ProcessIdentity {
  rotateLog(home, 'supervisor');
  const log = openSync(logPath(home, 'supervisor'), 'a', 0o600);
  const main = join(distFolder, 'stack', 'supervisor-main.js');
  const child = spawn(process.execPath, [main, home.root, JSON.stringify(workers)], {
    cwd: home.root,
    env: embeddedEnvironment(home),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (identity === null) throw startFailed(home, 'the supervisor did not start');
  return identity;
}

/** Waits until the supervisor says that all is up and the servers answer this process too. */
async function untilReady(home: Home, supervisor: ProcessIdentity, onlyLook: boolean): Promise<StackState> {
  const startedAt = Date.now();
  for (;;) {
    const alive = isAlive(supervisor);
    const state = readState(home);
    const isUp = state?.supervisor?.pid === supervisor.pid && state.status === 'ready';
    const silent = isUp ? await silentServers(state) : [];
    if (isUp && silent.length === 0) return state;
    if (!alive) throw startFailed(home, state?.status === 'failed' ? state.failure : null);
    const limitMs = isUp && onlyLook ? lookLimitMs : readyLimitMs;
    if (Date.now() - startedAt > limitMs) throw notReady(home, state, silent, limitMs);
    await sleep(40);
  }
}

/** Servers of a stack that is up which do not answer. */
async function silentServers({ ports }: StackState): Promise<string[]> {
  const [temporal, gateway] = await Promise.all([isTemporalHealthy(ports), isGatewayHealthy(ports)]);
  return [...(temporal ? [] : ['temporal']), ...(gateway ? [] : ['s3'])];
}

function notReady(
  home: Home,
  state: StackState | null,
  silent: readonly string[],
  limitMs: number,
): RetryableError {
  const notRunning =
    state?.processes.filter((each) => each.status !== 'running').map((each) => each.name) ?? [];
  const who = silent.length === 0 ? '' : `: no answer from ${silent.join(' and ')}`;
  const limit = `${limitMs / 1000} s`;
  return new RetryableError('stack.not-ready', `The stack is not ready after ${limit}${who}`, {
    fix: `see ${home.logs}; \`hindsight down\` and \`hindsight up\` start it afresh`,
    fields: { home: home.root, notRunning, silent },
  });
}

function startFailed(home: Home, why: string | null): TerminalError {
  const text = why ?? (tailLog(home, 'supervisor') || 'its supervisor ended without a word');
  return new TerminalError('stack.start-failed', `The stack did not start: ${text}`, {
    fix: `see ${home.logs}; \`hindsight doctor\` checks what it needs`,
    fields: { home: home.root },
  });
}
