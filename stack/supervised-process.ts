import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { endGroup, identify, killGroup, type ProcessIdentity } from './process-identity.js';
import type { ProcessState } from './state.js';

/** What to run and where its output goes. */
export interface ProcessSpec {
  readonly name: string;
  readonly kind: ProcessState['kind'];
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  /** How long it may take after SIGTERM before its whole process group is killed. */
  readonly graceMs: number;
}

const firstDelayMs = 200;
const longestDelayMs = 10_000;
const settledAfterMs = 30_000;

/** Milliseconds to wait before a restart after `failures` ends in a row. */
export function restartDelay(failures: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.max(0, failures - 1));
}

/** One process that is started again whenever it ends, until it is told to stop. */
export class SupervisedProcess {
  readonly #onChange: () => void;
  #child: ChildProcess | null = null;
  /** Settled once the latest child's end has been taken note of. */
  #ending: Promise<void> = Promise.resolve();
  #identity: ProcessIdentity | null = null;
  #since: Date | null = null;
  #restarts = 0;
  #failures = 0;
  #lastExit: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;

  constructor(
    readonly spec: ProcessSpec,
    /** Called after every start and end. */
    onChange: () => void,
  ) {
    this.#onChange = onChange;
  }

  /** Ends in a row, each within 30 s of its start. */
  get failures(): number {
    return this.#failures;
  }

  get state(): ProcessState {
    return {
      name: this.spec.name,
      kind: this.spec.kind,
      status:
        this.#identity !== null ? 'running' : this.#stopping || this.#timer === null ? 'stopped' : 'backoff',
      identity: this.#identity,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
      since: this.#since?.toISOString() ?? null,
    };
  }

  start(): void {
    const log = openSync(this.spec.logFile, 'a', 0o600);
    // A process group of its own, so that what it started can be killed with it.
    const child = spawn(this.spec.command, this.spec.args, {
      env: this.spec.env,
      cwd: this.spec.cwd,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#since = new Date();
    this.#identity = child.pid === undefined ? null : identify(child.pid);
    this.#ending = new Promise((resolve) => {
      child.once('error', (error) => resolve(this.#ended(child, error.message)));
      child.once('exit', (code, killer) => resolve(this.#ended(child, killer ?? `exit code ${code}`)));
    });
    this.#onChange();
  }

  /** Ends the process for good; resolves when nothing of its group is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const ending = this.#ending;
    if (this.#identity !== null) await endGroup(this.#identity, this.spec.graceMs);
    // The group is gone before Node.js has told of it; without this, `state` would still say "running".
    await ending;
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    const uptime = Date.now() - (this.#since?.getTime() ?? 0);
    // What a killed process had started must not go on beside its successor.
    if (child.pid !== undefined) killGroup(child.pid);
    this.#child = null;
    this.#identity = null;
    this.#lastExit = how;
    if (!this.#stopping) {
      this.#failures = uptime > settledAfterMs ? 1 : this.#failures + 1;
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#restarts++;
        this.start();
      }, restartDelay(this.#failures));
    }
    this.#onChange();
  }
}
