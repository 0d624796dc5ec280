import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { partialOwner } from '../core/partial-name.js';
import type { Home } from './home.js';
import { identify } from './process-identity.js';

/**
 * Removes the half-written files and scratch folders of processes that are gone, and gives back their paths. A process
 * removes its own; these belong to killed ones. Only the supervisor of a home does this: all who write there are processes
 * of its machine.
 */
export function removeLeftovers(home: Home): string[] {
  const folders = [
    home.root,
    home.locks,
    home.temporary,
    join(home.cacheDir, 'work'),
    join(home.cacheDir, 'models'),
    join(home.cacheDir, 'blobs', 'partial'),
    home.cacheDir,
  ];
  const left = folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => isLeft(partialOwner(name)))
      .map((name) => join(folder, name)),
  );
  for (const path of left) rmSync(path, { recursive: true, force: true });
  return left;
}

function isLeft(owner: number | null): boolean {
  return owner !== null && identify(owner) === null;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
