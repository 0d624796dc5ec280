import { homePaths, type Home } from './home.js';
import { lockHolder, supervisorLock } from './lock.js';
import { logPath } from './log-file.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';
import { isGatewayHealthy, isTemporalHealthy } from './services.js';
import { readState, type Ports, type ProcessState } from './state.js';

/** One process of the stack, as it is now. */
export interface ProcessStatus extends ProcessState {
  readonly log: string;
}

/** What runs in a home. Holds no credentials, so that it may be printed. */
export interface StackStatus {
  readonly home: string;
  /** `down`: nothing runs; `broken`: the supervisor lives but a server does not answer. */
  readonly status: 'down' | 'starting' | 'ready' | 'stopping' | 'broken';
  readonly supervisor: ProcessIdentity | null;
  /** Digest of what the workers run; see `buildDigest`. */
  readonly build: string | null;
  readonly ports: Ports | null;
  readonly processes: readonly ProcessStatus[];
  /** Why the last start failed. */
  readonly failure: string | null;
}

/** Looks at the stack of a home without changing anything. */
export async function stackStatus(home: Home = homePaths()): Promise<StackStatus> {
  const supervisor = lockHolder(supervisorLock(home));
  const state = readState(home);
  const common = { home: home.root, supervisor, build: state?.build ?? null, ports: state?.ports ?? null };
  const processes = (state?.processes ?? []).map((each) => {
    const alive = each.identity !== null && isAlive(each.identity);
    const status = alive
      ? each.status
      : supervisor === null || each.status === 'stopped'
        ? 'stopped'
        : 'backoff';
    return {
      ...each,
      identity: alive ? each.identity : null,
      status,
      log: logPath(home, each.name),
    } as const;
  });
  if (supervisor === null || state === null) {
    return {
      ...common,
      status: supervisor === null ? 'down' : 'starting',
      processes,
      failure: state?.failure ?? null,
    };
  }
  let status: StackStatus['status'] =
    state.status === 'starting' || state.status === 'stopping' ? state.status : 'ready';
  if (status === 'ready') {
    const healthy = await Promise.all([isTemporalHealthy(state.ports), isGatewayHealthy(state.ports)]);
    if (healthy.includes(false)) status = 'broken';
  }
  return { ...common, status, processes, failure: state.failure };
}
