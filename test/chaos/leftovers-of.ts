import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/artifact-store.js';
import { bucketName } from '../../stack/endpoints.js';
import { homePaths } from '../../stack/home.js';

/** Names in the bucket that are there only while somebody is at work. */
export async function transientObjects({ objects }: ArtifactStore): Promise<string[]> {
  const prefixes = ['claims/', 'lost/', 'checkpoints/'];
  return (await Promise.all(prefixes.map((prefix) => objects.list(prefix)))).flat();
}

/** Half-written files of a home: of our processes, of the gateway, and its uploads in parts. */
export function halfWritten(root: string): string[] {
  const home = homePaths(root);
  const gateway = join(home.s3, bucketName, '.sgwtmp');
  const all = readdirSync(root, { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => {
      const isGateways = entry.parentPath.startsWith(gateway) && entry.isFile();
      const isScratch = [home.temporary, join(home.cacheDir, 'work')].includes(entry.parentPath);
      return isGateways || isScratch || /\.partial$|\.sgwtmp\./.test(entry.name);
    })
    .map((entry) => join(entry.parentPath, entry.name));
}
