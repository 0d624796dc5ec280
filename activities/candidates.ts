import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pLimit from 'p-limit';
import { writeAtomically } from '../artifacts/blobs.js';
import { sha256File } from '../core/digest.js';
import type { Annotation, Warning } from '../datasets/annotation.js';
import { importSource } from '../datasets/importers/import-source.js';
import type { Reject } from '../datasets/sample.js';
import { parsedOnce } from './parsed-blobs.js';
import { readConfig } from './run-config.js';
import type { Services } from './stage.js';

/** An annotation and the digest of its video; null where there is no such file. Holds no path of any machine. */
export interface Candidate {
  readonly annotation: Omit<Annotation, 'path'>;
  /** Base name of the video, for messages. */
  readonly file: string;
  readonly video: string | null;
}

/** What `ingest` starts from. */
export interface CandidateList {
  readonly candidates: readonly Candidate[];
  /** Lines of the annotation files that cannot be used. */
  readonly rejects: readonly Reject[];
  readonly warnings: readonly Warning[];
}

/** The list by its digest. */
export const readCandidates = parsedOnce(2, (text) => JSON.parse(text) as CandidateList);

export interface VideoList {
  /** Blob digest of a {@link CandidateList}. */
  readonly candidates: string;
  readonly count: number;
}

/** Video digest -> where its bytes lie (`file://...`). */
export type Locations = Readonly<Record<string, string>>;

/**
 * Reads the annotation files and digests every video they name. Runs at each start, since files may have changed;
 * digests are remembered by path, size and modification time. Where the videos lie goes to `runs/<id>/locations.json`
 * (not for a plan, whose `runId` is null).
 */
export async function listVideos(
  services: Services,
  { runId, config }: { readonly runId: string | null; readonly config: string },
): Promise<VideoList> {
  const resolved = await readConfig(services.store, config);
  const imported = await Promise.all(resolved.config.dataset.sources.map((source) => importSource(source)));
  const annotations = imported.flatMap((one) => one.annotations);
  const digests = await VideoDigests.open(services.cacheDir);
  const limit = pLimit(8);
  const locations: Record<string, string> = {};
  const candidates = await Promise.all(
    annotations.map(({ path, ...annotation }) =>
      limit(async (): Promise<Candidate> => {
        const video = await digests.of(path);
        if (video !== null) locations[video] = pathToFileURL(path).href;
        return { annotation, file: basename(path), video };
      }),
    ),
  );
  await digests.save();
  const list: CandidateList = {
    candidates,
    rejects: imported.flatMap((one) => one.rejects),
    warnings: imported.flatMap((one) => one.warnings),
  };
  if (runId !== null) await services.store.runs.document(runId, 'locations.json', locations);
  const { digest } = await services.store.blobs.putText(JSON.stringify(list) + '\n', 'application/json');
  return { candidates: digest, count: candidates.length };
}

interface KnownDigest {
  readonly size: number;
  readonly modified: number;
  readonly digest: string;
}

/** Digests of files on this machine by path, size and modification time. */
class VideoDigests {
  #changed = false;

  private constructor(
    private readonly file: string,
    private readonly known: Record<string, KnownDigest>,
  ) {}

  static async open(cacheDir: string): Promise<VideoDigests> {
    const file = join(cacheDir, 'video-digests.json');
    const text = await readFile(file, 'utf8').catch(() => '{}');
    try {
      return new VideoDigests(file, JSON.parse(text) as Record<string, KnownDigest>);
    } catch {
      // A cache that cannot be read costs time, nothing else.
      return new VideoDigests(file, {});
    }
  }

  /** sha256 of the file, or null when there is none. Empty files have a digest too; probing says what is wrong. */
  async of(path: string): Promise<string | null> {
    const found = await stat(path).catch(() => null);
    if (found === null || !found.isFile()) return null;
    const known = this.known[path];
    if (known?.size === found.size && known.modified === found.mtimeMs) return known.digest;
    const digest = await sha256File(path);
    this.known[path] = { size: found.size, modified: found.mtimeMs, digest };
    this.#changed = true;
    return digest;
  }

  async save(): Promise<void> {
    if (this.#changed) await writeAtomically(this.file, JSON.stringify(this.known));
  }
}
