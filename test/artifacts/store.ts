import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { ArtifactStore } from '../../artifacts/artifact-store.js';
import { loadEndpoints } from '../../stack/endpoints.js';
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
