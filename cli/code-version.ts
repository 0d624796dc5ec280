import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { RunRecord } from '../artifacts/runs.js';
import { packageRoot } from '../core/package-root.js';
import { buildDigest } from '../stack/build-digest.js';

/** What code a run was started with: the package's version, its commit where this is a checkout, and the build's digest. */
export async function codeVersion(): Promise<RunRecord['code']> {
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const git = await execa('git', ['rev-parse', 'HEAD'], { cwd: packageRoot, reject: false });
  return { version, commit: git.exitCode === 0 ? git.stdout.trim() : null, digest: buildDigest() };
}
