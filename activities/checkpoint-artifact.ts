import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../core/canonical-json.js';
import { partialName } from '../core/partial-name.js';
import type { Output, Services } from './stage.js';

/** A model or adapter folder as an artifact: file name -> blob digest. The digest of this list names the checkpoint. */
interface CheckpointArtifact {
  readonly files: Readonly<Record<string, string>>;
}

/** Uploads the files of a checkpoint folder, one at a time and in parts, and returns the list that names them. */
export async function publishCheckpoint(
  services: Pick<Services, 'store'>,
  folder: string,
): Promise<{ readonly output: Output; readonly blobs: string[] }> {
  const files: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) {
    files[name] = (await services.store.blobs.putFile(join(folder, name), 'application/octet-stream')).digest;
  }
  const artifact: CheckpointArtifact = { files };
  return {
    output: { text: canonicalJson({ files: artifact.files }) + '\n', mediaType: 'application/json' },
    blobs: Object.values(files),
  };
}

/** The folder of a checkpoint on this machine, downloaded once; complete when it exists. */
export async function materializeCheckpoint(
  services: Pick<Services, 'store' | 'cacheDir'>,
  digest: string,
): Promise<string> {
  const folder = join(services.cacheDir, 'models', digest);
  if ((await stat(folder).catch(() => null)) !== null) return folder;
  const { files } = JSON.parse(await services.store.blobs.getText(digest)) as CheckpointArtifact;
  const temporary = partialName(folder);
  await mkdir(temporary, { recursive: true });
  // A file system that can share blocks between files needs no second copy of the weights.
  for (const [name, blob] of Object.entries(files))
    await copyFile(await services.store.blobs.fetch(blob), join(temporary, name), constants.COPYFILE_FICLONE);
  await rename(temporary, folder).catch(async (error: unknown) => {
    // Another activity of this worker was quicker; its copy is the same.
    await rm(temporary, { recursive: true, force: true });
    if ((await stat(folder).catch(() => null)) === null) throw error;
  });
  return folder;
}
