import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../core/digest.js';
import type { Stage } from './stage.js';

const here = dirname(fileURLToPath(import.meta.url));
const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'"]*?\bfrom\s*['"](\.[^'"]+)['"]|(?:^|\n)import\s*['"](\.[^'"]+)['"]/g;

/** What a stage runs: its own file, and the module of the trainer child that works for it. Paths without extension. */
export function codeOf({ name, job }: Pick<Stage, 'name' | 'job'>): string[] {
  return [`activities/stages/${name}`, ...(job === undefined ? [] : [job])];
}

/**
 * Files of ours that modules import, directly or not, relative to `root`, with their digests. Works on the built
 * JavaScript and on the sources, whose imports name the built files.
 */
export async function importClosure(entries: readonly string[], root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const waiting = entries.map((entry) => join(root, `${entry}.js`));
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

/** All that a stage runs: its files with their digests, and one digest over them. */
export interface StageCode {
  readonly digest: string;
  readonly files: ReadonlyMap<string, string>;
}

const known = new Map<string, Promise<StageCode>>();

/** The code of a stage as this process runs it. */
export function stageCode(stage: Pick<Stage, 'name' | 'job'>): Promise<StageCode> {
  let code = known.get(stage.name);
  if (code === undefined) {
    code = importClosure(codeOf(stage), resolve(here, '..')).then((files) => ({
      digest: closureDigest(files),
      files,
    }));
    known.set(stage.name, code);
  }
  return code;
}
