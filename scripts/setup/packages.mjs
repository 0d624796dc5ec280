import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeModules, root } from './paths.mjs';
import { run } from './process.mjs';

/** `npm ci`, unless node_modules holds what package-lock.json says. */
export async function ensurePackages(note) {
  const why = staleness();
  if (why === null) return { value: undefined, summary: 'as package-lock.json says' };
  note(`npm ci (${why})`);
  await run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: root,
    note,
    what: 'npm ci',
    progress: () => `${countPackages()} packages unpacked`,
    fix: 'check that npm reaches its registry (`npm ping`), then run this again; `npm ci` shows the whole output.',
  });
  return { value: undefined, summary: `${countPackages()} installed` };
}

function staleness() {
  const installedLock = join(nodeModules, '.package-lock.json');
  if (!existsSync(installedLock)) return 'nothing is installed yet';
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  for (const kind of ['dependencies', 'devDependencies']) {
    if (JSON.stringify(manifest[kind] ?? {}) !== JSON.stringify(wanted[''][kind] ?? {})) {
      return 'package.json has changed';
    }
  }
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // Optional packages of other platforms are in the lock and rightly not here.
    if (found === undefined && (entry.optional || entry.devOptional || entry.peer)) continue;
    if (found === undefined) return `${path} is missing`;
    if (found.version !== entry.version || found.integrity !== entry.integrity)
      return `${path} is another version`;
    if (!existsSync(join(root, path, 'package.json'))) return `${path} is incomplete`;
  }
  const stranger = Object.keys(installed).find((path) => wanted[path] === undefined);
  return stranger === undefined ? null : `${stranger} is no longer wanted`;
}

function countPackages() {
  if (!existsSync(nodeModules)) return 0;
  return readdirSync(nodeModules)
    .filter((name) => !name.startsWith('.'))
    .reduce((sum, name) => sum + (name.startsWith('@') ? readdirSync(join(nodeModules, name)).length : 1), 0);
}
