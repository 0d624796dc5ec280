import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, TerminalError } from '../core/errors.js';
import { ensureBucket, removeUnfinished } from './bucket.js';
import { embeddedEndpoints } from './endpoints.js';
import { embeddedEnvironment } from './environment.js';
import { createHome, type Home } from './home.js';
import { removeLeftovers } from './leftovers.js';
import { logPath, rotateLog, tailLog } from './log-file.js';
import { payloadKeyFingerprints, payloadKeys } from './payload-encryption/keys.js';
import { freePort, isPortFree } from './ports.js';
import { endGroup, identify } from './process-identity.js';
import { isGatewayHealthy, isTemporalHealthy, s3Gateway, temporalServer } from './services.js';
import { readState, survivors, writeState, type Ports, type StackState } from './state.js';
import { SupervisedProcess, type ProcessSpec } from './supervised-process.js';
import type { Tools } from './tools.js';
import { Watchdog } from './watchdog.js';
import type { WorkerCommand } from './workers.js';

/** How long the servers may take until they answer. */
const startLimitMs = 60_000;
/** A service that ended this often before it ever answered will not come up by itself. */
const hopelessFailures = 3;
const workerGraceMs = 10_000;

export interface SupervisorOptions {
  readonly home: Home;
  readonly tools: Tools;
  /** Digest of what the workers run; see `buildDigest`. */
  readonly build: string;
  readonly workers: readonly WorkerCommand[];
  /** Gets one line per event. */
  readonly log: (line: string) => void;
}

/** Keeps the servers and workers of one home running. The caller holds the home's supervisor lock. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #watchdog = new Watchdog();
  readonly #env: Record<string, string>;
  #state: StackState;
  #processes: SupervisedProcess[] = [];
  #stopping: Promise<void> | null = null;

  private constructor(options: SupervisorOptions, state: StackState) {
    this.#options = options;
    this.#state = state;
    this.#env = embeddedEnvironment(options.home);
  }

  /** Ends what a killed predecessor left, settles ports and credentials, and records that the stack is starting. */
  static async prepare(options: SupervisorOptions): Promise<Supervisor> {
    const { home, log } = options;
    createHome(home);
    const before = readState(home);
    for (const leftover of before === null ? [] : survivors(before)) {
      log(`ending process ${leftover.pid}, left by an earlier supervisor`);
      await endGroup(leftover, 5000);
    }
    tellRemoved(removeLeftovers(home), log);
    const state: StackState = {
      schema: 1,
      status: 'starting',
      failure: null,
      supervisor: identify(process.pid),
      build: options.build,
      workers: options.workers.map((worker) => worker.name),
      payloadKeys: payloadKeyFingerprints(payloadKeys()),
      ports: await settlePorts(before?.ports ?? null, log),
      credentials: before?.credentials ?? {
        accessKeyId: randomBytes(10).toString('hex'),
        secretAccessKey: randomBytes(24).toString('base64url'),
      },
      metadata: before?.metadata ?? 'xattr',
      processes: [],
    };
    writeState(home, state);
    return new Supervisor(options, state);
  }

  /**
   * Starts the servers, waits until they answer, then starts the workers.
   * @throws TerminalError `stack.service-failed` with the end of the service's log
   */
  async start(): Promise<void> {
    const { home, tools, workers } = this.#options;
    const temporal = this.#launch(temporalServer(home, tools, this.#state.ports, this.#env));
    await Promise.all([
      this.#untilHealthy(temporal, () => isTemporalHealthy(this.#state.ports)),
      this.#startGateway().then(() => this.#prepareBucket()),
    ]);
    if (this.#stopping !== null) return;
    for (const worker of workers) {
      this.#launch({
        ...worker,
        kind: 'worker',
        env: { ...this.#env, ...worker.env, TMPDIR: home.temporary },
        cwd: home.root,
        logFile: logPath(home, worker.name),
        graceMs: workerGraceMs,
      });
    }
    this.#record({ status: 'ready' });
  }

  /** Ends the workers, then the servers; resolves when no process is left. */
  stop(failure: string | null = null): Promise<void> {
    this.#stopping ??= this.#stopAll(failure);
    return this.#stopping;
  }

  async #stopAll(failure: string | null): Promise<void> {
    this.#record({ status: 'stopping' });
    for (const kind of ['worker', 'service'] as const) {
      await Promise.all(this.#processes.filter(({ spec }) => spec.kind === kind).map((each) => each.stop()));
    }
    this.#record({ status: failure === null ? 'stopped' : 'failed', failure, supervisor: null });
    this.#watchdog.close();
  }

  async #prepareBucket(): Promise<void> {
    const { store } = embeddedEndpoints(this.#state);
    await ensureBucket(store);
    // No worker runs yet: what is unfinished now, nobody will finish.
    const removed = await removeUnfinished(store);
    if (removed > 0) this.#options.log(`removed ${removed} unfinished uploads and claims of killed workers`);
  }

  async #startGateway(): Promise<void> {
    const { home, tools } = this.#options;
    const launch = (): SupervisedProcess => this.#launch(s3Gateway(home, tools, this.#state, this.#env));
    const untilHealthy = (gateway: SupervisedProcess): Promise<void> =>
      this.#untilHealthy(gateway, () => isGatewayHealthy(this.#state.ports));
    const gateway = launch();
    try {
      await untilHealthy(gateway);
    } catch (error) {
      if (this.#state.metadata === 'sidecar' || !tailLog(home, 's3').includes('xattrs are not supported'))
        throw error;
      this.#options.log(
        'this file system has no extended attributes; object metadata goes to a folder of its own',
      );
      await gateway.stop();
      this.#processes = this.#processes.filter((each) => each !== gateway);
      mkdirSync(home.s3Sidecar, { recursive: true, mode: 0o700 });
      this.#record({ metadata: 'sidecar' });
      await untilHealthy(launch());
    }
  }

  #launch(spec: ProcessSpec): SupervisedProcess {
    rotateLog(this.#options.home, spec.name);
    const supervised = new SupervisedProcess(spec, () => {
      const { identity, lastExit, restarts, status } = supervised.state;
      if (status === 'running')
        this.#options.log(`${spec.name}: process ${identity?.pid ?? '?'}, restarts ${restarts}`);
      else {
        this.#options.log(`${spec.name}: ended (${lastExit ?? 'unknown'}), ${status}`);
        if (spec.kind === 'worker') tellRemoved(removeLeftovers(this.#options.home), this.#options.log);
      }
      this.#record({});
    });
    this.#processes.push(supervised);
    supervised.start();
    return supervised;
  }

  async #untilHealthy(service: SupervisedProcess, isHealthy: () => Promise<boolean>): Promise<void> {
    const { home } = this.#options;
    const { name } = service.spec;
    const deadline = Date.now() + startLimitMs;
    while (this.#stopping === null && !(service.state.status === 'running' && (await isHealthy()))) {
      if (service.failures >= hopelessFailures || Date.now() > deadline) {
        const why =
          service.failures > 0
            ? `ended with ${service.state.lastExit}`
            : `did not answer in ${startLimitMs / 1000} s`;
        throw new TerminalError('stack.service-failed', `${name} ${why}:\n${tailLog(home, name)}`, {
          fix: `see ${logPath(home, name)}; \`hindsight doctor\` checks the program`,
          fields: { service: name },
        });
      }
      await sleep(50);
    }
  }

  /** Writes stack.json with what is running now. */
  #record(change: Partial<StackState>): void {
    const processes = this.#processes.map((each) => each.state);
    this.#state = { ...this.#state, ...change, processes };
    this.#watchdog.guard(processes.flatMap(({ identity }) => (identity === null ? [] : [identity])));
    try {
      writeState(this.#options.home, this.#state);
    } catch (error) {
      // A full disk must not take the servers down with it.
      this.#options.log(`stack.json could not be written: ${describeError(error)}`);
    }
  }
}

function tellRemoved(paths: readonly string[], log: (line: string) => void): void {
  if (paths.length > 0) log(`removed what killed processes left half-written: ${paths.join(', ')}`);
}

/** The ports of earlier starts where they are still free, new ones where not. */
async function settlePorts(before: Ports | null, log: (line: string) => void): Promise<Ports> {
  const ports: Partial<Ports> = {};
  for (const name of ['temporal', 'temporalHttp', 'temporalUi', 'temporalMetrics', 's3'] as const) {
    const kept = before?.[name];
    if (kept !== undefined && (await isPortFree(kept))) {
      ports[name] = kept;
    } else {
      ports[name] = await freePort([...Object.values(ports), ...Object.values(before ?? {})]);
      if (kept !== undefined) log(`port ${kept} (${name}) is taken by another program; now ${ports[name]}`);
    }
  }
  return ports as Ports;
}
