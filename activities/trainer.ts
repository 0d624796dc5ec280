import { fork, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RetryableError, TerminalError, type ErrorFields } from '../core/errors.js';
import type { TrainerEvent, TrainerJob } from '../training/job.js';
import { Pulse, type Quiet } from './pulse.js';

/** What goes to the trainer child. */
export type TrainerCommand = { readonly type: 'job'; readonly job: TrainerJob } | { readonly type: 'stop' };

/** What comes back: the events of the job, and how it ended. */
export type TrainerMessage =
  | {
      readonly type: 'ready';
      readonly backend: string;
      readonly threads: number;
      readonly versions: Record<string, string>;
    }
  | TrainerEvent
  /** The job saved a checkpoint and stopped as asked. */
  | { readonly type: 'stopped' }
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      readonly fix: string | null;
      readonly fields: ErrorFields;
      readonly stack: string;
    };

/** Raised when a job stopped as asked; the caller turns it into a cancellation. */
export class TrainerStopped extends RetryableError {
  constructor() {
    super('trainer.stopped', 'the trainer saved its state and stopped as asked');
  }
}

/** No sign of life for this long, and for 20 median intervals, means a stalled child. */
const defaultStallFloorMs = 10 * 60_000;
/** After a request to stop, this long to save. */
const stopGraceMs = 10_000;

/**
 * The GPU worker's hold on its trainer child: one process, one job at a time, kept warm between jobs (starting
 * TensorFlow and reading a model costs seconds). TensorFlow.js blocks its thread, which is why it is not in the worker.
 */
export class Trainer {
  #child: ChildProcess | null = null;
  #busy = false;
  #pulse: Pulse | null = null;
  backend: string | null = null;
  threads: number | null = null;
  versions: Readonly<Record<string, string>> = {};

  constructor(
    private readonly environment: Readonly<Record<string, string>>,
    private readonly stallFloorMs = defaultStallFloorMs,
  ) {}

  /** Process id of the child, for tests and `show`; null when none runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** How long the job at work has said nothing, once that is longer than usual; null otherwise. */
  get quiet(): Quiet | null {
    return this.#pulse?.quiet(performance.now()) ?? null;
  }

  /**
   * Runs one job. `onEvent` sees everything the job says. When `signal` is aborted the child is asked to save and stop,
   * and killed if it does not; the promise then rejects with {@link TrainerStopped}.
   */
  async run(job: TrainerJob, signal: AbortSignal, onEvent: (event: TrainerEvent) => void): Promise<void> {
    if (this.#busy) throw new RetryableError('trainer.busy', 'the trainer is still at another job');
    this.#busy = true;
    try {
      const child = this.#child ?? (await this.#start(signal));
      await this.#attend(child, job, signal, onEvent);
    } finally {
      this.#busy = false;
      this.#pulse = null;
    }
  }

  /** Ends the child, if any. */
  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = null;
  }

  async #start(signal: AbortSignal): Promise<ChildProcess> {
    const child = fork(join(dirname(fileURLToPath(import.meta.url)), '..', 'workers', 'trainer.js'), {
      env: { ...process.env, ...this.environment },
      serialization: 'advanced',
    });
    this.#child = child;
    child.once('exit', () => {
      if (this.#child === child) this.#child = null;
    });
    const ready = await this.#untilReady(child, signal);
    this.backend = ready.backend;
    this.threads = ready.threads;
    this.versions = ready.versions;
    return child;
  }

  /** What the child says of itself once TensorFlow is loaded. Until then there is nothing to save: a stop ends it. */
  async #untilReady(
    child: ChildProcess,
    signal: AbortSignal,
  ): Promise<Extract<TrainerMessage, { type: 'ready' }>> {
    const end = (): void => void child.kill('SIGKILL');
    const watch = this.#endWhenStalled(child, () => undefined);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      return await new Promise((resolve, reject) => {
        child.once('message', (message: TrainerMessage) => {
          if (message.type === 'ready') resolve(message);
          else reject(new RetryableError('trainer.start', `the trainer began with ${message.type}`));
        });
        child.once('error', reject);
        child.once('exit', (code, killedBy) =>
          reject(
            signal.aborted
              ? new TrainerStopped()
              : new RetryableError(
                  'trainer.start',
                  `the trainer ended at its start (${killedBy ?? `exit code ${code}`})`,
                ),
          ),
        );
      });
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', end);
    }
  }

  /** Takes the child's pulse from now on, and kills it when it has none; `stalled` hears of it first. */
  #endWhenStalled(child: ChildProcess, stalled: (error: RetryableError) => void): NodeJS.Timeout {
    const pulse = new Pulse(this.stallFloorMs, performance.now());
    this.#pulse = pulse;
    return setInterval(
      () => {
        const now = performance.now();
        if (!pulse.isStalled(now)) return;
        const seconds = Math.round(pulse.quiet(now)?.seconds ?? 0);
        stalled(
          new RetryableError(
            'trainer.stalled',
            `the trainer made no progress for ${seconds} s and was ended`,
          ),
        );
        child.kill('SIGKILL');
      },
      Math.min(10_000, this.stallFloorMs / 4),
    );
  }

  async #attend(
    child: ChildProcess,
    job: TrainerJob,
    signal: AbortSignal,
    onEvent: (event: TrainerEvent) => void,
  ): Promise<void> {
    const timers = new Set<NodeJS.Timeout>();
    let stop: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const onExit = (code: number | null, killedBy: NodeJS.Signals | null): void => {
          reject(
            signal.aborted
              ? new TrainerStopped()
              : new RetryableError(
                  'trainer.exited',
                  `the trainer process ended (${killedBy ?? `exit code ${code}`})`,
                ),
          );
        };
        const onMessage = (message: TrainerMessage): void => {
          this.#pulse?.beat(performance.now());
          switch (message.type) {
            case 'done':
              onEvent(message);
              resolve();
              break;
            case 'stopped':
              reject(new TrainerStopped());
              break;
            case 'failed':
              reject(failure(message));
              break;
            case 'progress':
            case 'warning':
            case 'checkpoint':
              onEvent(message);
              break;
            case 'ready':
              break;
          }
        };
        stop = () => {
          child.send({ type: 'stop' } satisfies TrainerCommand);
          timers.add(setTimeout(() => child.kill('SIGKILL'), stopGraceMs));
        };
        timers.add(this.#endWhenStalled(child, reject));
        child.on('message', onMessage);
        child.once('exit', onExit);
        // A job starts unstopped: a request that came while the child was started must follow it.
        child.send({ type: 'job', job } satisfies TrainerCommand);
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
      });
    } finally {
      for (const timer of timers) clearTimeout(timer);
      if (stop !== undefined) signal.removeEventListener('abort', stop);
      child.removeAllListeners('message');
      child.removeAllListeners('exit');
      if (child.exitCode !== null || child.signalCode !== null) {
        if (this.#child === child) this.#child = null;
      } else {
        child.once('exit', () => {
          if (this.#child === child) this.#child = null;
        });
      }
    }
  }
}

function failure(message: Extract<TrainerMessage, { type: 'failed' }>): Error {
  const options = {
    fields: message.fields,
    ...(message.fix === null ? {} : { fix: message.fix }),
    cause: message.stack,
  };
  return message.retryable
    ? new RetryableError(message.code, message.message, options)
    : new TerminalError(message.code, message.message, options);
}
