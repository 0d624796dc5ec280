import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bringDown } from '../../stack/down.js';
import { homePaths } from '../../stack/home.js';
import { ensureUp } from '../../stack/up.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Home of the stack that all tests of this project share. */
    home: string;
  }
}

/** Starts the real Temporal server, the real S3 gateway and the real workers in a home of its own, once. */
export default async function startStack(project: TestProject): Promise<() => Promise<void>> {
  const root = await mkdtemp(join(tmpdir(), 'hindsight-test-'));
  const home = homePaths(root);
  await ensureUp({ home });
  project.provide('home', root);
  return async () => {
    await bringDown({ home });
    await rm(root, { recursive: true, force: true });
  };
}
