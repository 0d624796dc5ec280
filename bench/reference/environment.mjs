// Prints the Python that the programs beside it run with, from a virtual environment in the cache folder that is made
// on first use. Plain Node, since it works with the cache and the programs of set-up.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, removeScratch } from '../../scripts/setup/cache.mjs';
import { SetupError } from '../../scripts/setup/error.mjs';
import { capture, run } from '../../scripts/setup/process.mjs';
import { findPython } from '../../scripts/setup/python.mjs';
import { say } from '../../scripts/setup/report.mjs';

const requirements = join(dirname(fileURLToPath(import.meta.url)), 'requirements.txt');
/** numpy asks for it. */
const oldestPython = [3, 11];
const byHand = 'or give a Python that has them with --python PATH';

/** Fills a folder with the environment. It is renamed afterwards, so only its `bin/python` may be used. */
async function make(folder, python, note) {
  if (capture(python, ['-m', 'venv', folder], { timeout: 120_000 }) === null) {
    throw new SetupError(`${python} makes no virtual environment`, {
      fix: `install its venv module (Debian: apt-get install python3-venv), ${byHand}.`,
    });
  }
  note('pip install torch and transformers: several GB, for torch needs its CUDA libraries even on a CPU');
  const inside = join(folder, 'bin', 'python');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const options = ['--no-input', '--disable-pip-version-check', '--no-compile', '--only-binary=:all:'];
  await run(inside, ['-m', 'pip', 'install', ...options, '-r', requirements], {
    env: { ...process.env, TMPDIR: temporary },
    note,
    what: 'pip install',
    progress: (lines) => `${lines} lines said by pip`,
    fix: `check that pip reaches its index (\`${python} -m pip download --no-deps absl-py\`) and that the cache folder has 8 GB free, ${byHand}.`,
  });
  await run(inside, ['-c', 'import torch, transformers.models.qwen2_5_vl.modeling_qwen2_5_vl'], {
    note,
    what: 'importing torch and transformers',
    fix: `read the lines above, ${byHand}.`,
  });
}

try {
  const python = findPython(oldestPython);
  if (python === null) {
    throw new SetupError(`no Python ${oldestPython.join('.')} or newer was found`, {
      fix: `install one, ${byHand}.`,
    });
  }
  const version = capture(python, ['-c', 'import sys; print(sys.version)']);
  const digest = createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex');
  const note = (text) => say(`… reference: ${text}`);
  const folder = await cached(`reference/${digest.slice(0, 12)}`, note, (into) => make(into, python, note));
  process.stdout.write(`${join(folder, 'bin', 'python')}\n`);
} catch (error) {
  removeScratch();
  if (!(error instanceof SetupError)) throw error;
  say(`The reference cannot be set up: ${error.message}`);
  if (error.detail) say(error.detail.replace(/^/gm, '  | '));
  say(`Fix: ${error.fix}`);
  process.exitCode = 1;
}
