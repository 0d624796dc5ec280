import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { partialName, partialOwner } from '../../core/partial-name.js';
import { createHome } from '../../stack/home.js';
import { removeLeftovers } from '../../stack/leftovers.js';
import { temporaryHome } from './temporary-home.js';

test('a partial name tells who writes there, any other name nobody', () => {
  expect(partialOwner(partialName('/a/b'))).toBe(process.pid);
  for (const name of ['b', 'b.12.partial', 'b.partial', 'b.12-0123456.partial', 'b.12-01234567.partial.json'])
    expect(partialOwner(name)).toBeNull();
});

test('what a process that is gone left half-written is removed; all else stays', () => {
  const home = temporaryHome();
  createHome(home);
  const { pid } = spawnSync('true');
  const ofDead = (path: string): string => partialName(path).replace(`.${process.pid}-`, `.${pid}-`);
  const folders = [home.root, home.locks, home.temporary, home.cacheDir];
  folders.push(...['work', 'models', 'blobs/partial'].map((name) => join(home.cacheDir, name)));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const left = folders.map((folder) => ofDead(join(folder, 'one')));
  const kept = folders.flatMap((folder) => [partialName(join(folder, 'one')), join(folder, 'whole')]);
  for (const path of kept) writeFileSync(path, '');
  for (const path of left) {
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), '');
  }
  expect(removeLeftovers(home).sort()).toEqual(left.sort());
  for (const path of left) expect(existsSync(path)).toBe(false);
  for (const path of kept) expect(existsSync(path)).toBe(true);
  expect(removeLeftovers(home)).toEqual([]);
});
