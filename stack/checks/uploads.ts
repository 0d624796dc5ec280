import { unfinishedUploads, type UnfinishedUpload } from '../bucket.js';
import type { Endpoints } from '../endpoints.js';
import type { Check } from './check.js';

const name = 'unfinished uploads';
const patienceMs = 5000;
/** An upload that is still at work after this long is rare: tens of gigabytes take minutes. */
const abandonedMs = 3_600_000;
const shown = 3;

/** Uploads in parts that nobody finished: they cost space and are seen nowhere else. */
export async function checkUploads({ kind, store }: Endpoints): Promise<Check> {
  try {
    const uploads = await unfinishedUploads(store, AbortSignal.timeout(patienceMs));
    return judgeUploads(uploads, Date.now(), kind);
  } catch (error) {
    // Whoever may read and write need not be allowed to list them.
    const why = error instanceof Error ? error.name : String(error);
    return { name, ok: true, found: `cannot be listed with these credentials (${why})` };
  }
}

/** `now` is in milliseconds since 1970. */
export function judgeUploads(
  uploads: readonly UnfinishedUpload[],
  now: number,
  kind: Endpoints['kind'],
): Check {
  if (uploads.length === 0) return { name, ok: true, found: 'none' };
  const old = uploads.filter(({ since }) => now - since.getTime() > abandonedMs);
  const named = (old.length > 0 ? old : uploads)
    .slice(0, shown)
    .map((upload) => `${upload.name} since ${upload.since.toISOString()}`)
    .join(', ');
  if (old.length === 0)
    return { name, ok: true, found: `${uploads.length}, begun within the hour: ${named}` };
  const fix =
    kind === 'embedded'
      ? '`hindsight down`, then `hindsight up`: the start takes them back'
      : 'where no worker is at them any more, abort them, and let a lifecycle rule of the bucket abort incomplete multipart uploads after a day';
  return { name, ok: 'warning', found: `${old.length} begun more than an hour ago: ${named}`, fix };
}
