import { spawn, type ChildProcess } from 'node:child_process';
import type { ProcessIdentity } from './process-identity.js';

/**
 * Reads lines of process group ids; when the other end of the pipe is gone, ends the groups of the last line: politely,
 * then after three seconds for good.
 */
const script = `
trap '' HUP INT TERM
groups=
while IFS= read -r line; do groups=$line; done
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
n=0
while [ $n -lt 30 ]; do
  left=
  for g in $groups; do kill -s 0 -- "-$g" 2>/dev/null && left="$left $g"; done
  [ -z "$left" ] && exit 0
  sleep 0.1
  n=$((n + 1))
done
for g in $left; do kill -s KILL -- "-$g" 2>/dev/null; done
`;

/**
 * A shell of one megabyte that outlives a killed supervisor just long enough to end what it had started. Without it a
 * `kill -9` of the supervisor would leave servers and workers behind until the next start.
 */
export class Watchdog {
  #shell: ChildProcess | null = null;
  #line = '\n';
  #closed = false;

  constructor() {
    this.#start();
  }

  /** The processes to end if this one dies; each leads its own group. */
  guard(processes: readonly ProcessIdentity[]): void {
    this.#line = `${processes.map((identity) => identity.pid).join(' ')}\n`;
    this.#shell?.stdin?.write(this.#line);
  }

  /** After an orderly stop: nothing is left to be ended. */
  close(): void {
    this.#closed = true;
    this.#shell?.stdin?.end('\n');
  }

  #start(): void {
    const shell = spawn('/bin/sh', ['-c', script], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { PATH: '/usr/bin:/bin' },
    });
    shell.stdin.on('error', () => undefined);
    shell.once('error', () => undefined);
    shell.once('exit', () => {
      if (!this.#closed) setTimeout(() => this.#start(), 1000).unref();
    });
    shell.stdin.write(this.#line);
    this.#shell = shell;
  }
}
