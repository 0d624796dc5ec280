import { execa } from 'execa';

/** One line of `hindsight doctor`. */
export interface Check {
  readonly name: string;
  /** `warning`: works, but slower, older or less than it could. */
  readonly ok: boolean | 'warning';
  /** What was found, e.g. a version. */
  readonly found: string;
  /** What to do about it; absent when all is well. */
  readonly fix?: string;
}

/** Everything a program printed, or null when it cannot run, fails, or takes longer than `timeoutMs`. */
export async function outputOf(
  command: string,
  args: readonly string[],
  timeoutMs = 10_000,
): Promise<string | null> {
  const result = await execa(command, args, {
    timeout: timeoutMs,
    reject: false,
    all: true,
    stdin: 'ignore',
  });
  return result.failed ? null : result.all;
}
