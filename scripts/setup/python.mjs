import { join } from 'node:path';
import { aptInstall, canApt } from './apt.mjs';
import { capture, which } from './process.mjs';
import { warn } from './report.mjs';

const names = [
  'python3',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  'python3.9',
  'python3.8',
  'python',
];

/** Any Python that runs (a version manager's stub for an absent one does not) and is new enough, or null. */
export function findPython(oldest = [3, 8]) {
  const code = `import sys, zipfile; sys.exit(sys.version_info < (${oldest.join(', ')}))`;
  return pythons().find((path) => capture(path, ['-c', code]) !== null) ?? null;
}

/**
 * The Python to call pip with, or null. Where no Python has pip: one in a virtual environment made in `scratch`, else
 * Debian's package when root.
 */
export async function findPip(scratch, note) {
  const withPip = () => pythons().find((path) => capture(path, ['-m', 'pip', '--version']) !== null) ?? null;
  const found = withPip();
  if (found !== null) return found;
  const python = findPython();
  if (python === null) return null;
  const folder = join(scratch, 'venv');
  if (capture(python, ['-m', 'venv', folder], { timeout: 120_000 }) !== null)
    return join(folder, 'bin', 'python');
  if (canApt) {
    try {
      await aptInstall(['python3-pip'], note);
      return withPip();
    } catch (error) {
      warn(`pip: ${error.message}. ${error.fix}`);
    }
  }
  return null;
}

const pythons = () => names.map((name) => which(name)).filter((path) => path !== null);
