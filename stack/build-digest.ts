import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../core/package-root.js';
import { TerminalError } from '../core/errors.js';

/** The compiled project. */
export const distFolder = join(packageRoot, 'dist');

/**
 * sha256 over names and bytes of the compiled files and of the installed versions: what the workers run.
 * @throws TerminalError `stack.not-built` without dist/
 */
export function buildDigest(dist: string = distFolder): string {
  if (!existsSync(dist))
    throw new TerminalError('stack.not-built', `${dist} is missing`, { fix: 'npm run setup' });
  const hash = createHash('sha256');
  const files = readdirSync(dist, { encoding: 'utf8', recursive: true })
    .filter((name) => /\.[cm]?js$/.test(name))
    .map((name) => join(dist, name))
    .sort();
  const lock = join(packageRoot, 'package-lock.json');
  for (const file of existsSync(lock) ? [...files, lock] : files) {
    hash
      .update(`${relative(packageRoot, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}
