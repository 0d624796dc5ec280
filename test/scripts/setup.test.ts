import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../../core/package-root.js';

const scripts = join(packageRoot, 'scripts');

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hindsight-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A module that starts by importing `names` from scripts/setup/`file`. */
const program = (file: string, names: string, body: string): string =>
  `import { ${names} } from ${JSON.stringify(join(scripts, 'setup', file))};\n${body}`;

function runProgram(code: string, env: NodeJS.ProcessEnv) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env });
}

function startProgram(code: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { env });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => child.once('close', () => resolve(output)));
}

test('explains itself, and refuses what it does not know', () => {
  const help = spawnSync(process.execPath, [join(scripts, 'setup.mjs'), '--help'], { encoding: 'utf8' });
  expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining('Example:') as string });
  const wrong = spawnSync(process.execPath, [join(scripts, 'setup.mjs'), '--test'], { encoding: 'utf8' });
  expect(wrong).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('Unknown option --test') as string,
  });
});

test('of several set-ups that want the same tool one makes it, and the others get it', async () => {
  const cache = temporaryFolder();
  const code = program(
    'cache.mjs',
    'cached',
    `import { appendFileSync, writeFileSync } from 'node:fs';
     const folder = await cached('tool/1.0', () => {}, async (into) => {
       appendFileSync(${JSON.stringify(join(cache, 'made'))}, 'x');
       await new Promise((resolve) => setTimeout(resolve, 400));
       writeFileSync(into + '/binary', 'whole');
     });
     process.stdout.write(folder);`,
  );
  const env = { ...process.env, HINDSIGHT_CACHE: cache };
  const found = await Promise.all([1, 2, 3].map(() => startProgram(code, env)));
  expect(found).toEqual([1, 2, 3].map(() => join(cache, 'tool', '1.0')));
  expect(readFileSync(join(cache, 'made'), 'utf8')).toBe('x');
  expect(readFileSync(join(cache, 'tool', '1.0', 'binary'), 'utf8')).toBe('whole');
  expect(readdirSync(join(cache, 'locks'))).toEqual([]);
  expect(readdirSync(join(cache, 'tmp'))).toEqual([]);
});

test('a tool whose making failed is not there, and can be made later', () => {
  const cache = temporaryFolder();
  const attempt = (body: string): string =>
    program('cache.mjs', 'cached', `await cached('tool/1.0', () => {}, async (into) => { ${body} });`);
  const env = { ...process.env, HINDSIGHT_CACHE: cache };
  expect(runProgram(attempt('throw new Error("no network")'), env).status).toBe(1);
  expect(existsSync(join(cache, 'tool'))).toBe(false);
  expect(runProgram(attempt(''), env).status).toBe(0);
  expect(existsSync(join(cache, 'tool', '1.0'))).toBe(true);
});

test('the lock of a set-up that was killed does not block the next one', () => {
  const cache = temporaryFolder();
  mkdirSync(join(cache, 'locks'));
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  const lock = JSON.stringify({ pid: ended, host: hostname(), token: 'theirs' });
  writeFileSync(join(cache, 'locks', 'tool-1.0.lock'), lock);
  const code = program('cache.mjs', 'cached', `await cached('tool/1.0', () => {}, async () => {});`);
  expect(runProgram(code, { ...process.env, HINDSIGHT_CACHE: cache })).toMatchObject({ status: 0 });
  expect(readdirSync(join(cache, 'locks'))).toEqual([]);
});

/** PATH with nothing but the given programs and what a shell script needs. */
function pathWith(programs: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  symlinkSync(process.execPath, join(folder, 'node'));
  return folder;
}

const goTools = program(
  'go-tools.mjs',
  'ensureGoTools',
  `try { console.log(JSON.stringify(await ensureGoTools())); }
   catch (error) { console.log(JSON.stringify({ step: error.step, message: error.message, fix: error.fix })); }`,
);
const gateway = `echo 'Version  : v1.7.0'`;
const said = (version: string): string => `echo 'temporal version ${version}'`;

test.each([
  '1.5.1 (Server 1.29.1, UI 2.42.1)',
  '1.10.0 (Server 1.31.0, UI 2.50.0)',
  '0.0.0-DEV (Server 1.29.1, UI 2.42.1)',
])('a temporal %s on PATH is taken', (version) => {
  const PATH = pathWith({ temporal: said(version), versitygw: gateway });
  const result = runProgram(goTools, { PATH, HINDSIGHT_CACHE: temporaryFolder() });
  expect(JSON.parse(result.stdout)).toEqual({
    temporal: join(PATH, 'temporal'),
    versitygw: join(PATH, 'versitygw'),
  });
});

test.each([
  ['is too old', said('1.4.9 (Server 1.28.0, UI 2.40.0)')],
  ['was built from an old source', said('0.0.0-DEV (Server 1.28.0, UI 2.40.0)')],
  [
    'knows no start-dev',
    `case $1 in --version) ${said('1.5.1 (Server 1.29.1, UI 2.42.1)')};; *) exit 1;; esac`,
  ],
  ['is something else', 'echo hello'],
])('a temporal that %s is not taken, and without Go the fix is named', (_, temporal) => {
  const PATH = pathWith({ temporal, versitygw: gateway });
  const result = runProgram(goTools, { PATH, HINDSIGHT_CACHE: temporaryFolder() });
  expect(JSON.parse(result.stdout)).toMatchObject({
    step: 'Temporal server',
    message: 'Go is not on PATH',
    fix: expect.stringContaining('install Go 1.21 or newer') as string,
  });
});

test('a Go that is too old is named with its version', () => {
  const PATH = pathWith({ go: `echo 'go version go1.19.8 linux/amd64'`, versitygw: gateway });
  const result = runProgram(goTools, { PATH, HINDSIGHT_CACHE: temporaryFolder() });
  expect(result.stdout).toContain('is version 1.19');
});

test('a command that fails is reported with what it printed', () => {
  const code = program(
    'process.mjs',
    'run',
    `try { await run('sh', ['-c', 'echo to work; echo no space left >&2; exit 4'], { note() {}, what: 'unpacking', fix: 'free some' }); }
     catch ({ message, detail, fix }) { console.log(JSON.stringify({ message, detail, fix })); }`,
  );
  const { message, detail, fix } = JSON.parse(runProgram(code, process.env).stdout) as Record<string, string>;
  expect({ message, fix }).toEqual({ message: 'unpacking ended with exit code 4', fix: 'free some' });
  expect(detail?.split('\n').sort()).toEqual(['no space left', 'to work']);
});

test('the wheel unpacker takes the libraries, their headers and the CUDA libraries', ({ skip }) => {
  const folder = temporaryFolder();
  const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name in sys.argv[2:]:
        wheel.writestr(name, name)
`;
  const wheel = join(folder, 'a.whl');
  const python = (...args: string[]) => spawnSync('python3', args, { encoding: 'utf8' });
  if (python('--version').status !== 0) skip('no python3 here');
  const libraries = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
  python(
    '-c',
    makeWheel,
    wheel,
    ...libraries,
    'tensorflow/include/tensorflow/c/c_api.h',
    'tensorflow/python/x.py',
  );
  const cuda = join(folder, 'cuda.whl');
  python('-c', makeWheel, cuda, 'nvidia/cublas/lib/libcublas.so.12', 'nvidia/cublas/include/cublas.h');

  const out = join(folder, 'out');
  expect(python(join(scripts, 'setup', 'unpack_wheel.py'), out, wheel, cuda)).toMatchObject({
    status: 0,
    stderr: '',
  });
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(so|h|py)/.test(name),
  );
  expect(files.sort()).toEqual([
    'include/tensorflow/c/c_api.h',
    'lib/libtensorflow.so',
    'lib/libtensorflow_cc.so.2',
    'lib/libtensorflow_framework.so',
    'lib/libtensorflow_framework.so.2',
    'nvidia/cublas/lib/libcublas.so.12',
  ]);
  expect(readFileSync(join(out, 'lib', 'libtensorflow.so'), 'utf8')).toBe('tensorflow/libtensorflow_cc.so.2');

  const broken = python(join(scripts, 'setup', 'unpack_wheel.py'), join(folder, 'other'), cuda);
  expect(broken).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('holds no tensorflow') as string,
  });
});
