import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import { bucketName, loadEndpoints } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';

/** A store of this test's own: a fresh prefix in the shared gateway's bucket, and a fresh local folder. */
export async function freshStore(prefix = `test-${randomUUID()}/`): Promise<ArtifactStore> {
  const { store } = await loadEndpoints(homePaths(inject('home')));
  const folder = await mkdtemp(join(tmpdir(), 'hindsight-blobs-'));
  const opened = new ArtifactStore({ ...store, prefix }, folder);
  onTestFinished(async () => {
    opened.close();
    await rm(folder, { recursive: true, force: true });
  });
  return opened;
}

/** Where the gateway keeps an object of a {@link freshStore} with this prefix: for tests that damage it behind its back. */
export function onDisk(prefix: string, name: string): string {
  return join(homePaths(inject('home')).s3, bucketName, prefix + name);
}
