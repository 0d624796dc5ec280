/**
 * Every error that Hindsight raises on purpose. Two families decide what the pipeline does with it:
 * a {@link TerminalError} is never retried, a {@link RetryableError} is. Codes are stable: tests, scripts and
 * the exit codes of the command line rely on them.
 */

import { redact } from './redact.js';

/** What a message is built from; typed so that a caller can act on a field instead of parsing text. */
export type ErrorFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface ErrorOptions {
  /** Named facts behind the message: file, line, field, found, allowed, ... */
  readonly fields?: ErrorFields;
  /** What to do about it, as one sentence or command. */
  readonly fix?: string;
  readonly cause?: unknown;
}

export abstract class HindsightError extends Error {
  abstract readonly retryable: boolean;
  readonly fields: ErrorFields;
  readonly fix: string | undefined;

  constructor(
    /** Stable, `room.what-happened`, e.g. `config.unknown-field`. */
    readonly code: string,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.fields = options.fields ?? {};
    this.fix = options.fix;
  }
}

/** Trying again cannot help: bad input, a broken artifact, a contradiction in the configuration. */
export class TerminalError extends HindsightError {
  readonly retryable = false;
}

/** Trying again may help: a service away, a process killed, a race lost. */
export class RetryableError extends HindsightError {
  readonly retryable = true;
}

/** Input written by a person is wrong; names file, line, field, what was found and what is allowed. */
export class InputError extends TerminalError {
  constructor(
    code: string,
    readonly where: {
      readonly file: string;
      readonly line?: number;
      readonly field?: string;
      readonly found?: string;
      readonly allowed?: string;
    },
    /** What is wrong, without the place. */
    readonly problem: string,
    options: Omit<ErrorOptions, 'fields'> = {},
  ) {
    const at = where.line === undefined ? where.file : `${where.file}:${where.line}`;
    const field = where.field === undefined ? '' : ` ${where.field}:`;
    const found = where.found === undefined ? '' : ` (found ${where.found})`;
    const allowed = where.allowed === undefined ? '' : `; allowed: ${where.allowed}`;
    super(code, `${at}:${field} ${problem}${found}${allowed}`, { ...options, fields: { ...where } });
  }
}

/** The text a person reads for any thrown value: message, fix, and the chain of causes, without credentials. */
export function describeError(error: unknown): string {
  return redact(describeChain(error));
}

function describeChain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const lines = [error instanceof HindsightError ? `${error.message} [${error.code}]` : error.message];
  if (error instanceof HindsightError && error.fix !== undefined) lines.push(`  fix: ${error.fix}`);
  if (error.cause !== undefined)
    lines.push(`  cause: ${describeChain(error.cause).replaceAll('\n', '\n  ')}`);
  return lines.join('\n');
}
