import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './error.mjs';

const running = new Set();

/** Ends what is still being built or downloaded after another step has failed. */
export function killRunning() {
  for (const child of running) child.kill('SIGTERM');
}

/** The first executable of these names on PATH, or null. */
export function which(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // not here
      }
    }
  }
  return null;
}

/** Standard output and error of a short command, or null when it cannot run, fails, or takes longer than 20 s. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000, ...options });
  return result.status === 0 ? `${result.stdout}${result.stderr}` : null;
}

/** Progress looks at folders that change under it; a file gone in that moment is no reason to fail. */
function glance(progress, lines) {
  try {
    return progress?.(lines);
  } catch {
    return undefined;
  }
}

/**
 * Runs a long command, silent but for a sign of life every 10 seconds.
 * @param progress what to say meanwhile; gets the number of lines printed so far
 * @param fix what the reader can do when it fails
 */
export async function run(command, args, { note, what, progress, fix, timeout, ...options }) {
  const since = Date.now();
  // The cause stands in the first lines (npm) or in the last (compilers).
  const head = [];
  const tail = [];
  let lines = 0;
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let rest = '';
  const read = (chunk) => {
    const parts = (rest + chunk).split(/\r?\n|\r/);
    rest = parts.pop();
    for (const line of parts.filter((part) => part.trim() !== '')) {
      lines++;
      (head.length < 8 ? head : tail).push(line.slice(0, 300));
      if (tail.length > 20) tail.shift();
    }
  };
  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', read);
  const beat = setInterval(() => {
    const more = glance(progress, lines);
    note(`${what}, ${Math.round((Date.now() - since) / 1000)} s${more ? `, ${more}` : ''}`);
  }, 10_000);
  const limit = timeout === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeout);
  try {
    const why = await new Promise((resolve) => {
      child.on('error', (error) =>
        resolve(error.code === 'ENOENT' ? `${command} was not found` : error.message),
      );
      child.on('close', (code, signal) => {
        if (code === 0) resolve(null);
        else
          resolve(`${what} ${signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`}`);
      });
    });
    if (rest.trim() !== '') tail.push(rest);
    if (why !== null) throw new SetupError(why, { fix, detail: [...head, ...tail].join('\n') });
  } finally {
    running.delete(child);
    clearInterval(beat);
    clearTimeout(limit);
  }
}
