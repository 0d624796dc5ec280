import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where one embedded stack keeps everything: `$HINDSIGHT_HOME`, by default `.hindsight` in the working folder. */
export interface Home {
  readonly root: string;
  /** State of the stack with its credentials, readable by the owner only. */
  readonly stackFile: string;
  readonly logs: string;
  readonly temporalDb: string;
  /** The folder the S3 gateway serves; a bucket is a folder in it. */
  readonly s3: string;
  /** Metadata of objects, on file systems without extended attributes. Must not begin with the path of `s3`. */
  readonly s3Sidecar: string;
  readonly cacheDir: string;
  /** TMPDIR of the stack's processes: what a killed one leaves is found here, and is on the disk of the home. */
  readonly temporary: string;
  readonly locks: string;
}

/** Paths of a home; nothing is created. */
export function homePaths(root: string = process.env['HINDSIGHT_HOME'] || '.hindsight'): Home {
  const absolute = resolve(root);
  return {
    root: absolute,
    stackFile: join(absolute, 'stack.json'),
    logs: join(absolute, 'logs'),
    temporalDb: join(absolute, 'temporal.db'),
    s3: join(absolute, 's3'),
    s3Sidecar: join(absolute, 'metadata-of-s3'),
    cacheDir: join(absolute, 'cache'),
    temporary: join(absolute, 'tmp'),
    locks: join(absolute, 'locks'),
  };
}

/** Creates the folders of a home, for its owner only. */
export function createHome(home: Home): void {
  for (const folder of [home.root, home.logs, home.s3, home.cacheDir, home.temporary, home.locks]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
}
