import { statfs } from 'node:fs/promises';
import { TerminalError } from './errors.js';

/** A disk that is about to be full: what is written to it next may fail half-way. */
export interface LowDisk {
  /** A folder on it. */
  readonly folder: string;
  readonly freeBytes: number;
  /** Free space below which it counts as nearly full. */
  readonly limitBytes: number;
}

const gibibyte = 2 ** 30;
/** Less than 5% counts as nearly full too, but no disk needs more than this. */
const mostBytes = 20 * gibibyte;

/**
 * The disk of a folder if it is nearly full, else null: less than 2 GiB is free, or less than 5% where that is below 20 GiB.
 * `limitBytes` replaces that rule. A folder that cannot be looked at is no finding.
 */
export async function lowDisk(
  folder: string,
  limitBytes: number | null = configuredLimit(),
): Promise<LowDisk | null> {
  const disk = await statfs(folder).catch(() => null);
  if (disk === null) return null;
  const freeBytes = disk.bavail * disk.bsize;
  const limit = limitBytes ?? Math.max(2 * gibibyte, Math.min(0.05 * disk.blocks * disk.bsize, mostBytes));
  return freeBytes < limit ? { folder, freeBytes, limitBytes: limit } : null;
}

/** What `HINDSIGHT_MIN_FREE_GIB` asks to be kept free, in bytes; null when it is not set. */
function configuredLimit(): number | null {
  const text = process.env['HINDSIGHT_MIN_FREE_GIB'];
  if (!text) return null;
  const gibibytes = Number(text);
  if (!(gibibytes >= 0)) {
    throw new TerminalError('cli.bad-environment', `HINDSIGHT_MIN_FREE_GIB is ${text}`, {
      fix: 'set it to a number of GiB such as 50, or not at all',
    });
  }
  return gibibytes * gibibyte;
}
