import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { cached, withScratch } from './cache.mjs';
import { SetupError } from './error.mjs';
import { findPip } from './python.mjs';
import { capture, run } from './process.mjs';

export const tensorflowVersion = '2.21.0';

// The wheel's Python does not matter, its libraries do: always the same wheel, whatever Python calls pip.
const tags = ['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'];
const cpuWheelSha256 = { x64: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c' };

const unpacker = join(dirname(fileURLToPath(import.meta.url)), 'unpack_wheel.py');

/**
 * The folder with TensorFlow's C library of this flavour ('cpu' or 'cuda'), taken from the Python wheel; null when
 * there is no Python with pip. The CUDA flavour is written after the wheel's metadata and has never been run.
 */
export async function ensureWheel(flavour, note) {
  let withoutPip = false;
  const name = `tensorflow/${tensorflowVersion}-${flavour}-${process.arch}`;
  try {
    return await cached(name, note, (into) =>
      withScratch(async (scratch) => {
        const python = await findPip(scratch, note);
        withoutPip = python === null;
        if (withoutPip) throw new Error('no pip');
        const wheels = await download(python, flavour, scratch, note);
        note('unpacking the library');
        await run(python, [unpacker, into, ...wheels], {
          note,
          what: 'unpacking',
          fix: 'check the free space of the cache folder (2 GB are needed), and run this again.',
        });
      }),
    );
  } catch (error) {
    if (withoutPip) return null;
    throw error;
  }
}

async function download(python, flavour, scratch, note) {
  // Only x86-64 has a smaller wheel without CUDA code.
  const project = flavour === 'cpu' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  note(`pip download ${project}==${tensorflowVersion} (${flavour === 'cpu' ? '274 MB' : 'several GB'})`);
  const wheels = join(scratch, 'wheels');
  await pip(python, [`${project}==${tensorflowVersion}`], wheels, scratch, note);
  const [main] = list(wheels);
  const expected = flavour === 'cpu' ? cpuWheelSha256[process.arch] : undefined;
  if (expected !== undefined && (await sha256(main)) !== expected) {
    throw new SetupError(
      `${project} ${tensorflowVersion} is not the wheel that is pinned here (sha256 differs)`,
      {
        fix: 'see which index pip uses (`pip config list`); it must serve the original file.',
      },
    );
  }
  if (flavour === 'cuda') await pip(python, cudaRequirements(python, main), wheels, scratch, note);
  return list(wheels);
}

async function pip(python, requirements, wheels, scratch, note) {
  const temporary = join(scratch, 'pip');
  mkdirSync(temporary, { recursive: true });
  await run(python, ['-m', 'pip', 'download', '--no-deps', '--dest', wheels, ...tags, ...requirements], {
    env: { ...process.env, TMPDIR: temporary, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
    note,
    what: 'pip download',
    progress: () => `${Math.round(bytesUnder(scratch) / 1e6)} MB`,
    fix: 'check that pip reaches its index (`pip download --no-deps absl-py`), and run this again.',
  });
}

/** The CUDA libraries that the wheel itself names under its extra "and-cuda". */
function cudaRequirements(python, wheel) {
  const code =
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); ' +
    'print(z.read([n for n in z.namelist() if n.endswith(".dist-info/METADATA")][0]).decode())';
  const metadata = capture(python, ['-c', code, wheel]) ?? '';
  return [...metadata.matchAll(/^Requires-Dist: ([^;]+); extra == "and-cuda"/gm)].map((match) =>
    match[1].trim(),
  );
}

const list = (folder) => readdirSync(folder).map((name) => join(folder, name));

function bytesUnder(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}

async function sha256(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
