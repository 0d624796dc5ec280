import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { TerminalError } from '../../core/errors.js';
import { residentMemory } from '../memory/resident-memory.js';

/** What the bench asks of a participant: one JSON object on a line of its standard input, named by `do`. */
export interface Request {
  readonly do: string;
}

/** Any answer of a participant that could not do what it was asked. */
const Failed = z.object({ error: z.string() });

/** How a participant is started. */
export interface ParticipantCommand {
  /** As the tables call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Lines of a participant's talk that an error shows. */
const TALK = 20;

/** A child process that does one work, and waits without using the processor when it is not asked anything. */
export class Participant {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #talk: string[] = [];
  #waiting: { resolve(line: string): void; reject(error: Error): void } | null = null;
  #ended: Error | null = null;

  constructor(private readonly how: ParticipantCommand) {
    this.#child = spawn(how.command, how.args, {
      env: { ...process.env, ...how.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#waiting?.resolve(line);
      this.#waiting = null;
    });
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#talk.push(line);
      if (this.#talk.length > TALK) this.#talk.shift();
    });
    // A request to a child that is gone fails through its end.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (cause) => this.#end(this.#failure('could not be started', cause)));
    this.#child.on('close', (code, signal) => {
      this.#end(this.#failure(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`));
    });
  }

  get name(): string {
    return this.how.name;
  }

  /** The process; 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks one thing and waits for the answer; TerminalError `bench.participant-failed` when it fails or dies. */
  async ask<T>(request: Request & Readonly<Record<string, unknown>>, answer: z.ZodType<T>): Promise<T> {
    const line = await new Promise<string>((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    let said: unknown;
    try {
      said = JSON.parse(line);
    } catch (cause) {
      throw this.#failure(`answered ${line.slice(0, 200)}`, cause);
    }
    const failed = Failed.safeParse(said);
    if (failed.success) throw this.#failure(`could not ${request.do}: ${failed.data.error}`);
    const parsed = answer.safeParse(said);
    if (!parsed.success) throw this.#failure(`answered ${line.slice(0, 200)} to ${request.do}`, parsed.error);
    return parsed.data;
  }

  /** The most memory that the process ever held (resident set), in bytes; null where the system does not tell. */
  peakBytes(): number | null {
    try {
      return residentMemory(this.pid).peak;
    } catch {
      return null;
    }
  }

  /** Ends the process and waits for its end. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    const closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await closed;
    clearTimeout(timer);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  #failure(what: string, cause?: unknown): TerminalError {
    const talk = this.#talk.length === 0 ? '' : `\n${this.#talk.map((line) => `  | ${line}`).join('\n')}`;
    return new TerminalError('bench.participant-failed', `${this.how.name} ${what}${talk}`, { cause });
  }
}
