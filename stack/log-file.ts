import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from './home.js';

const kept = 3;

/** Where a process of the stack writes, e.g. `logs/gpu.log`. */
export function logPath(home: Home, name: string): string {
  return join(home.logs, `${name}.log`);
}

/** Moves `gpu.log` to `gpu.1.log` and so on, so that each start of the stack has its own; three are kept. */
export function rotateLog(home: Home, name: string): void {
  const generation = (n: number): string => (n === 0 ? logPath(home, name) : logPath(home, `${name}.${n}`));
  for (let n = kept - 1; n >= 0; n--) {
    if (existsSync(generation(n))) renameSync(generation(n), generation(n + 1));
  }
}

/** The last lines of a log, at most 8 kB; empty when there is none. */
export function tailLog(home: Home, name: string, lines = 8): string {
  const path = logPath(home, name);
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, 8192));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(file);
  }
}
