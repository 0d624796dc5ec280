import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { lowDisk, type LowDisk } from '../../core/free-disk.js';
import type { Home } from '../../stack/home.js';
import type { RunProblem } from '../run-api.js';

/** The disks of a local stack that are nearly full: where its database, its bucket and its caches lie. */
export async function localDiskProblems(home: Home): Promise<RunProblem[]> {
  const folders = new Map<number, string>();
  for (const folder of [home.root, home.s3, home.cacheDir]) {
    const device = await stat(folder).then(
      ({ dev }) => dev,
      () => null,
    );
    if (device !== null && !folders.has(device)) folders.set(device, folder);
  }
  const low = await Promise.all([...folders.values()].map((folder) => lowDisk(folder)));
  return low.flatMap((disk) => (disk === null ? [] : [diskProblem(disk, hostname())]));
}

/** What to say of a disk of the machine `host`. */
export function diskProblem({ folder, freeBytes, limitBytes }: LowDisk, host: string): RunProblem {
  const elsewhere = host !== hostname();
  return {
    kind: 'disk-nearly-full',
    subject: host,
    message:
      `the disk of ${folder}${elsewhere ? ` on ${host}` : ''} is nearly full: ` +
      `${gigabytes(freeBytes)} GB free, less than ${gigabytes(limitBytes)} GB`,
    fix: elsewhere
      ? 'free some space there, or start that worker with HINDSIGHT_HOME on a larger disk'
      : 'free some space, or point HINDSIGHT_HOME at a larger disk',
  };
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
