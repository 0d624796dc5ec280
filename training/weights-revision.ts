import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '../core/digest.js';
import { TerminalError } from '../core/errors.js';

/** Files whose digest pins the weights of a folder; the first that is there decides. */
const pinning = ['model.safetensors.index.json', 'model.safetensors'] as const;

const digestPattern = /^(?:sha256:)?([0-9a-f]{64})$/;

/** Digests by path, size and modification time: a file of many gigabytes is read once a process. */
const known = new Map<string, Promise<string>>();

/**
 * Checks that a folder holds the weights that a config names, where it names them by digest; any other revision, such as
 * a commit, is taken as a name. TerminalError `policy.other-weights` with both digests, `policy.no-weights` where the
 * folder has no weights to check.
 */
export async function requireRevision(folder: string, revision: string): Promise<void> {
  const wanted = digestPattern.exec(revision)?.[1];
  if (wanted === undefined) return;
  for (const name of pinning) {
    const path = join(folder, name);
    const found = await digestOf(path);
    if (found === null) continue;
    if (found === wanted) return;
    throw new TerminalError(
      'policy.other-weights',
      `${path} is not of the revision that model.revision names`,
      {
        fields: { found, expected: wanted },
        fix: `bring the weights of that revision, or set model.revision to ${found}`,
      },
    );
  }
  throw new TerminalError('policy.no-weights', `${folder} has neither ${pinning.join(' nor ')}`, {
    fix: 'download the weights in safetensors format',
  });
}

async function digestOf(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  const key = `${path} ${found.size} ${found.mtimeMs}`;
  let digest = known.get(key);
  if (digest === undefined) {
    digest = sha256File(path);
    known.set(key, digest);
    // A read that failed may succeed the next time.
    digest.catch(() => known.delete(key));
  }
  return digest;
}
