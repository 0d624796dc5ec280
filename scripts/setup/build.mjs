import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { nodeModules, root } from './paths.mjs';
import { run } from './process.mjs';

const dist = join(root, 'dist');
const stamp = join(dist, '.hindsight-build.json');
/** Made from the compiled workflows, so they have no source of their own. */
const bundles = ['workflow-bundle.js', 'workflow-bundle-encrypted.js'].map((name) => join(dist, name));

/** `npm run build` (tsc and the workflow bundles), unless dist/ was made from exactly these sources. */
export async function build(note) {
  const sources = listSources();
  const digest = digestOf(sources);
  const missing = [...bundles, ...sources.map(outputOf)].some((path) => !existsSync(path));
  if (!missing && readStamp() === digest) return { value: undefined, summary: 'dist/ is current' };
  note(`compiling ${sources.length} files`);
  rmSync(stamp, { force: true });
  // tsc trusts its own notes about what it wrote; they are wrong once somebody has removed files.
  if (missing) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  removeOrphans(sources);
  await run('npm', ['run', '--silent', 'build'], {
    cwd: root,
    note,
    what: 'npm run build',
    fix: 'correct the errors above (`npm run check:types` lists them all), and run this again.',
  });
  linkCommand();
  writeFileSync(stamp, JSON.stringify({ sources: digest }) + '\n');
  return { value: undefined, summary: `${sources.length} files` };
}

function listSources() {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  return include
    .filter((folder) => folder !== 'test' && !folder.endsWith('.ts') && existsSync(join(root, folder)))
    .flatMap((folder) => walk(join(root, folder)))
    .filter((path) => /\.c?ts$/.test(path) && !path.endsWith('.d.ts'))
    .sort();
}

/** Paths of everything under a folder, folders included. */
const walk = (folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name));

function digestOf(sources) {
  const hash = createHash('sha256');
  const compiler = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'].map((name) =>
    join(root, name),
  );
  for (const path of [...compiler, ...sources])
    hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

const outputOf = (source) => join(dist, relative(root, source).replace(/\.(c?)ts$/, '.$1js'));

/** Compiled files whose source is gone would still be found, run and counted in the build's digest. */
function removeOrphans(sources) {
  if (!existsSync(dist)) return;
  const wanted = new Set([
    ...bundles,
    ...sources.flatMap((source) => [outputOf(source), `${outputOf(source)}.map`]),
  ]);
  for (const path of walk(dist)) if (/\.c?js(\.map)?$/.test(path) && !wanted.has(path)) rmSync(path);
}

/** Makes `npx hindsight` find this checkout's command. */
function linkCommand() {
  const main = join(dist, 'cli', 'main.js');
  if (!existsSync(main)) return;
  chmodSync(main, 0o755);
  const bin = join(nodeModules, '.bin');
  mkdirSync(bin, { recursive: true });
  rmSync(join(bin, 'hindsight'), { force: true });
  symlinkSync(relative(bin, main), join(bin, 'hindsight'));
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stamp, 'utf8')).sources;
  } catch {
    return null;
  }
}
