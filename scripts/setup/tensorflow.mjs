import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstall, canApt } from './apt.mjs';
import { cached } from './cache.mjs';
import { SetupError } from './error.mjs';
import { nodeModules } from './paths.mjs';
import { capture, run, which } from './process.mjs';
import { findPython } from './python.mjs';
import { warn } from './report.mjs';
import { readTools } from './tools-file.mjs';
import { ensureWheel, tensorflowVersion } from './wheel.mjs';

const packageFolder = join(nodeModules, '@tensorflow', 'tfjs-node-gpu');
const deps = join(packageFolder, 'deps');
const stamp = join(packageFolder, '.hindsight.json');
const probe = join(dirname(fileURLToPath(import.meta.url)), 'probe-backend.mjs');

/** TensorFlow's C library for this machine, `{ folder, flavour }`, or `{ folder: null }` when pip cannot bring it. */
export async function ensureLibrary(note) {
  if (process.platform !== 'linux') {
    return { value: { folder: null }, summary: `the wheel recipe is for Linux, this is ${process.platform}` };
  }
  if (which('nvidia-smi') !== null && capture('nvidia-smi', ['-L']) !== null) {
    try {
      warn('an NVIDIA driver is here: taking TensorFlow for CUDA. This part of set-up has never been run.');
      const folder = await ensureWheel('cuda', note);
      return { value: { folder, flavour: 'cuda' }, summary: `${tensorflowVersion} for CUDA` };
    } catch (error) {
      warn(`TensorFlow for CUDA: ${error.message}; taking the CPU library.`);
    }
  }
  const folder = await ensureWheel('cpu', note);
  return {
    value: { folder, flavour: 'cpu' },
    summary: folder === null ? 'no Python with pip' : `${tensorflowVersion} for the CPU`,
  };
}

/**
 * Makes @tensorflow/tfjs-node-gpu of this checkout load that library, and proves it with a matrix product. Without a
 * library: the package's own download, then plain JavaScript, both said plainly.
 * @returns what stands behind TensorFlow.js: `{ kind: 'tensorflow', version, flavour } | { kind: 'js', reason }`
 */
export async function ensureTensorflow(library, note) {
  if (library.folder === null) return withoutLibrary(note);
  const key = `${packageVersion()}-tf${tensorflowVersion}-${library.flavour}-${process.platform}-${process.arch}`;
  const recorded = readStamp();
  if (recorded?.key === key && isLinked(library.folder) && bindingPath() !== null)
    return described(recorded.backend);
  note('linking the library and compiling the binding');
  rmSync(stamp, { force: true });
  link(library.folder);
  const folder = await cached(`tfjs-node-gpu/${key}`, note, (into) => compile(into, note));
  installBinding(folder);
  const found = await tryBackend(note);
  if (found === null && library.flavour === 'cuda') {
    warn('the CUDA library does not load; taking the CPU library.');
    return ensureTensorflow({ folder: await ensureWheel('cpu', note), flavour: 'cpu' }, note);
  }
  if (found === null) {
    throw new SetupError('the TensorFlow library is in place but does not load', {
      fix: `see why with \`node ${probe}\`; deleting ${folder} makes the next set-up compile the binding again.`,
    });
  }
  return record(key, { kind: 'tensorflow', version: found.tensorflow, flavour: library.flavour });
}

async function withoutLibrary(note) {
  const reason = 'no Python 3 with pip, so the library of the Python wheel could not be fetched';
  const recorded = readStamp();
  if (recorded?.key === 'own-download' && bindingPath() !== null) return described(recorded.backend);
  // Only something new (a Python, a fresh node_modules) makes another download worth its wait.
  if (readTools()?.backend?.kind !== 'js') {
    note(`${reason}; trying the package's own download of TensorFlow 2.9.1`);
    rmSync(stamp, { force: true });
    try {
      await run(process.execPath, ['scripts/install.js', 'cpu', 'download'], {
        cwd: packageFolder,
        env: { ...process.env, PATH: `${join(nodeModules, '.bin')}${delimiter}${process.env.PATH}` },
        note,
        what: 'the download',
        timeout: 300_000,
      });
      const found = await tryBackend(note);
      if (found !== null)
        return record('own-download', { kind: 'tensorflow', version: found.tensorflow, flavour: 'cpu' });
    } catch (error) {
      note(`that failed: ${error.message}`);
    }
  }
  warn(
    'TensorFlow.js runs in plain JavaScript, hundreds of times slower: install Python 3 with pip, and run this again.',
  );
  return described({ kind: 'js', reason });
}

function record(key, backend) {
  writeFileSync(stamp, JSON.stringify({ key, backend }) + '\n');
  return described(backend);
}

function described(backend) {
  const summary =
    backend.kind === 'js' ? 'plain JavaScript' : `TensorFlow ${backend.version}, ${backend.flavour}`;
  return { value: backend, summary };
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stamp, 'utf8'));
  } catch {
    return null;
  }
}

const packageVersion = () => JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version;

/** Folders of the library that the package sees under deps/. */
const parts = (library) => ['lib', 'include', 'nvidia'].filter((name) => existsSync(join(library, name)));

function isLinked(library) {
  return parts(library).every((name) => {
    const path = join(deps, name);
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink && readlinkSync(path) === join(library, name);
  });
}

function link(library) {
  if (isLinked(library)) return;
  mkdirSync(deps, { recursive: true });
  for (const name of parts(library)) {
    const path = join(deps, name);
    const draft = `${path}.${process.pid}`;
    symlinkSync(join(library, name), draft);
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) rmSync(path, { recursive: true });
    renameSync(draft, path);
  }
}

/** Renamed into place: a process that runs on the old file keeps it. */
function installBinding(from) {
  for (const name of readdirSync(from)) {
    const into = join(packageFolder, 'lib', name);
    mkdirSync(into, { recursive: true });
    const draft = join(into, `tfjs_binding.${process.pid}`);
    cpSync(join(from, name, 'tfjs_binding.node'), draft);
    renameSync(draft, join(into, 'tfjs_binding.node'));
  }
}

function bindingPath() {
  const lib = join(packageFolder, 'lib');
  if (!existsSync(lib)) return null;
  const folder = readdirSync(lib).find((name) => existsSync(join(lib, name, 'tfjs_binding.node')));
  return folder === undefined ? null : join(lib, folder, 'tfjs_binding.node');
}

async function compile(into, note) {
  const missing = ['make', 'g++'].filter((name) => which(name) === null);
  if (missing.length > 0 && canApt) await aptInstall(missing, note);
  const python = findPython();
  const tools = 'install g++, make and python3';
  await run(
    process.execPath,
    [join(nodeModules, '.bin', 'node-pre-gyp'), 'install', '--build-from-source', ...nodeHeaders()],
    {
      cwd: packageFolder,
      env: {
        ...process.env,
        ...(python === null ? {} : { npm_config_python: python }),
        ...nodeGyp(),
      },
      note,
      what: 'node-pre-gyp',
      fix: `${missing.length > 0 ? `${tools} (${missing.join(', ')} not found)` : `${tools}; read the lines above`}, and run this again.`,
    },
  );
  const built = bindingPath();
  if (built === null)
    throw new SetupError('node-pre-gyp left no binding', { fix: `${tools}, and run this again.` });
  cpSync(join(packageFolder, 'lib'), into, { recursive: true });
  for (const name of readdirSync(packageFolder)) {
    if (/^build(-tmp.*)?$/.test(name)) rmSync(join(packageFolder, name), { recursive: true });
  }
}

/** `--nodedir` where this Node brings its headers, so that they need not be downloaded. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  const major = process.versions.node.split('.')[0];
  if (existsSync(header) && readFileSync(header, 'utf8').includes(`#define NODE_MAJOR_VERSION ${major}\n`)) {
    return [`--nodedir=${prefix}`];
  }
  const configured = capture('npm', ['config', 'get', 'nodedir'])?.split('\n')[0]?.trim();
  return configured && configured !== 'undefined' ? [`--nodedir=${configured}`] : [];
}

/** node-pre-gyp looks for node-gyp beside node only; npm may lie elsewhere. */
function nodeGyp() {
  const npm = which('npm');
  if (npm === null || process.env.npm_config_node_gyp) return {};
  const beside = join(dirname(dirname(realpathSync(npm))), 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  return existsSync(beside) ? { npm_config_node_gyp: beside } : {};
}

/** What the binding of this checkout says after a matrix product, or null when it does not load. */
async function tryBackend(note) {
  note('loading TensorFlow and multiplying matrices');
  const said = capture(process.execPath, [probe], { timeout: 120_000 });
  const line = said?.split('\n').find((text) => text.startsWith('{'));
  return line === undefined ? null : JSON.parse(line);
}
