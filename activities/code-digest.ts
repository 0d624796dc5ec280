import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../core/digest.js';

const here = dirname(fileURLToPath(import.meta.url));
const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'"]*?\bfrom\s*['"](\.[^'"]+)['"]|(?:^|\n)import\s*['"](\.[^'"]+)['"]/g;

/**
 * Files of ours that a module imports, directly or not, relative to `root`, with their digests. Works on the built
 * JavaScript and on the sources, whose imports name the built files.
 */
export async function importClosure(entry: string, root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const waiting = [entry];
  while (waiting.length > 0) {
    const named = waiting.pop()!;
    const file = existsSync(named) ? named : named.replace(/\.js$/, '.ts');
    const name = relative(root, file);
    if (files.has(name)) continue;
    const text = await readFile(file, 'utf8');
    files.set(name, sha256(text));
    for (const match of text.matchAll(importPattern))
      waiting.push(resolve(dirname(file), (match[1] ?? match[2])!));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One digest over the files of a closure. */
export function closureDigest(files: ReadonlyMap<string, string>): string {
  return sha256([...files].map(([name, hash]) => `${name} ${hash}\n`).join(''));
}

const known = new Map<string, Promise<string>>();

/** One digest over a stage's file and all it imports: the code that made a result. */
export function importClosureDigest(stage: string): Promise<string> {
  let digest = known.get(stage);
  if (digest === undefined) {
    digest = importClosure(join(here, 'stages', `${stage}.js`), resolve(here, '..')).then(closureDigest);
    known.set(stage, digest);
  }
  return digest;
}
