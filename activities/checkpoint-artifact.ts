import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../core/canonical-json.js';
import type { Output, Services } from './stage.js';

/** A model folder as an artifact: file name -> blob digest. The digest of this list names the checkpoint. */
interface CheckpointArtifact {
  readonly files: Readonly<Record<string, string>>;
}

/** Uploads the files of a model folder and returns the list that names them. */
export async function publishCheckpoint(
  services: Services,
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

/** The model folder of a checkpoint on this machine, downloaded once; complete when it exists. */
export async function materializeCheckpoint(services: Services, digest: string): Promise<string> {
  const folder = join(services.cacheDir, 'models', digest);
  if ((await stat(folder).catch(() => null)) !== null) return folder;
  const { files } = JSON.parse(await services.store.blobs.getText(digest)) as CheckpointArtifact;
  const temporary = `${folder}.${process.pid}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  for (const [name, blob] of Object.entries(files))
    await copyFile(await services.store.blobs.fetch(blob), join(temporary, name));
  await rename(temporary, folder).catch(async (error: unknown) => {
    // Another activity of this worker was quicker; its copy is the same.
    await rm(temporary, { recursive: true, force: true });
    if ((await stat(folder).catch(() => null)) === null) throw error;
  });
  return folder;
}

/** Digest of the weights in a checkpoint: under it the trainer keeps a loaded policy for its next job. */
export async function weightsDigest(services: Services, checkpoint: string): Promise<string> {
  const { files } = JSON.parse(await services.store.blobs.getText(checkpoint)) as CheckpointArtifact;
  return files['model.safetensors'] ?? checkpoint;
}
