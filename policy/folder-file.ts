import { open, readFile, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TerminalError } from '../core/errors.js';

const badFolder = (message: string, cause?: unknown): TerminalError =>
  new TerminalError('policy.bad-model-folder', message, cause === undefined ? {} : { cause });

/**
 * The real path of a file of a model or adapter folder. A name with a path in it and a symbolic link that leads out of
 * the folder are refused, so that a folder from somewhere else cannot make this machine read (and publish) other
 * files. The one way out is that of Hugging Face's download cache, whose `snapshots/<revision>/` holds links to
 * `blobs/` two folders up.
 *
 * @returns null when the folder has no such file
 * @throws TerminalError `policy.bad-model-folder`
 */
export async function fileInside(folder: string, name: string): Promise<string | null> {
  if (basename(name) !== name || name === '' || name === '.' || name === '..' || /[\\\0]/.test(name)) {
    throw badFolder(`${folder}: ${JSON.stringify(name)} is no file of the folder`);
  }
  let home: string;
  try {
    home = await realpath(folder);
  } catch (cause) {
    throw badFolder(`there is no folder ${folder}`, cause);
  }
  let path: string;
  try {
    path = await realpath(join(home, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw badFolder(`${join(folder, name)} cannot be read`, cause);
  }
  const parent = dirname(path);
  const cached = basename(dirname(home)) === 'snapshots' && parent === join(home, '..', '..', 'blobs');
  if (parent !== home && !cached) {
    throw badFolder(`${join(folder, name)} is a link to ${path}, out of its folder`);
  }
  if (!(await stat(path)).isFile()) throw badFolder(`${join(folder, name)} is no file`);
  return path;
}

/** The bytes of a file as {@link fileInside} finds it, or null. */
export async function readInside(folder: string, name: string): Promise<Buffer | null> {
  const path = await fileInside(folder, name);
  if (path === null) return null;
  try {
    return await readFile(path);
  } catch (cause) {
    throw badFolder(`${join(folder, name)} cannot be read`, cause);
  }
}

/** The parsed JSON of a file as {@link fileInside} finds it; a missing file is an error too. */
export async function readJsonInside(folder: string, name: string): Promise<unknown> {
  const bytes = await readInside(folder, name);
  if (bytes === null) throw badFolder(`${folder} has no ${name}`);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw badFolder(`${join(folder, name)} is not JSON`, cause);
  }
}

/** The name under which a file is written before it is whole. */
export const partialName = (path: string): string => `${path}.partial`;

/** Writes a file under another name, flushes it and renames it: a kill leaves the file before or the new one. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(partialName(path), 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partialName(path), path);
}
