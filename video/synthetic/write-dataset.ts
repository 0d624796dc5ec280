import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { splits, type Split } from '../../config/dataset.js';
import { sha256 } from '../../core/digest.js';
import { toJsonl } from '../../core/jsonl.js';
import { annotateScene } from './annotation.js';
import { DigestList, type ClipDigest } from './digest-list.js';
import { clipFile, encodeClips } from './encode.js';
import { sceneProgramme } from './programme.js';
import { renderScene } from './render.js';

/** Raised whenever a programme, the renderer or the encoder changes what a clip looks like. */
const RENDERER_VERSION = 1;
/** Clips that one ffmpeg process encodes; even, so that a clip's place is as odd or even as its index. */
const BATCH = 16;
const PART = '.part-';
const READERS = 16;

export interface SyntheticDatasetOptions {
  /** Gets `annotations.jsonl`, `clips.jsonl` (digests) and `videos/`. One writer at a time. */
  readonly dir: string;
  readonly seed: number;
  /** Clips of each split. */
  readonly counts: Readonly<Record<Split, number>>;
  /** Whether clips of the `rl` split are annotated with spans, for rewards that need them. Default false: with a label only. */
  readonly rlSpans?: boolean;
  /** ffmpeg processes at once. */
  readonly concurrency?: number;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

export interface SyntheticDataset {
  /** Path of the annotation file. */
  readonly annotations: string;
  /** Clips rendered now, and clips that were there. */
  readonly rendered: number;
  readonly reused: number;
}

interface Clip {
  readonly split: Split;
  readonly index: number;
  /** Relative to the data set's folder. */
  readonly path: string;
}

function clipsOf(split: Split, count: number): Clip[] {
  return Array.from({ length: count }, (_, index) => ({
    split,
    index,
    path: `videos/${split}-${String(index + 1).padStart(5, '0')}.mp4`,
  }));
}

function batches(clips: readonly Clip[]): Clip[][] {
  return Array.from({ length: Math.ceil(clips.length / BATCH) }, (_, b) =>
    clips.slice(b * BATCH, (b + 1) * BATCH),
  );
}

/** Whether the file is there with the bytes that were listed. */
async function isIntact(dir: string, listed: ClipDigest | undefined): Promise<boolean> {
  if (listed === undefined) return false;
  const file = join(dir, listed.path);
  try {
    return (await stat(file)).size === listed.bytes && sha256(await readFile(file)) === listed.sha256;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Renders and encodes a batch beside the data set, then moves its clips into place. */
async function renderBatch(
  dir: string,
  seed: number,
  clips: readonly Clip[],
  signal: AbortSignal | undefined,
): Promise<ClipDigest[]> {
  const part = await mkdtemp(join(dir, PART));
  try {
    function* rendered(): Generator<Uint8Array> {
      for (const { split, index } of clips) yield renderScene(sceneProgramme(seed, split, index));
    }
    await encodeClips(rendered, clips.length, part, { signal });
    const digests: ClipDigest[] = [];
    for (const [k, { path }] of clips.entries()) {
      const file = join(part, clipFile(k));
      const bytes = await readFile(file);
      digests.push({ path, bytes: bytes.length, sha256: sha256(bytes) });
      await rename(file, join(dir, path));
    }
    return digests;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/**
 * Renders a data set of synthetic scenes: H.264 files and an annotation file in the project's own format. The same
 * options give the same bytes; a clip depends on seed, split and index only, so that larger counts add clips and change
 * none. Clips that are there and intact are kept, so it can be stopped and called again. Rejects with the signal's
 * reason, or with a `TerminalError` when ffmpeg fails.
 */
export async function writeSyntheticDataset(options: SyntheticDatasetOptions): Promise<SyntheticDataset> {
  const { dir, seed, counts, rlSpans, concurrency = 2, onProgress, signal } = options;
  signal?.throwIfAborted();
  await mkdir(join(dir, 'videos'), { recursive: true });
  for (const entry of await readdir(dir)) {
    if (entry.startsWith(PART)) await rm(join(dir, entry), { recursive: true, force: true });
  }
  const list = await DigestList.open(join(dir, 'clips.jsonl'), RENDERER_VERSION, seed);

  const clips = splits.flatMap((split) => clipsOf(split, counts[split]));
  const read = pLimit(READERS);
  const intact = new Set<string>();
  await read.map(clips, async ({ path }) => {
    if (await isIntact(dir, list.get(path))) intact.add(path);
  });
  const missing = splits
    .flatMap((split) => batches(clips.filter((clip) => clip.split === split)))
    .filter((batch) => batch.some(({ path }) => !intact.has(path)));
  const rendered = missing.reduce((sum, batch) => sum + batch.length, 0);

  let done = clips.length - rendered;
  onProgress?.({ done, total: clips.length });
  const stop = new AbortController();
  const either = AbortSignal.any(signal === undefined ? [stop.signal] : [stop.signal, signal]);
  const run = pLimit(concurrency);
  const outcomes = await Promise.allSettled(
    missing.map((batch) =>
      run(async () => {
        if (stop.signal.aborted) return;
        try {
          await list.add(await renderBatch(dir, seed, batch, either));
        } catch (error) {
          // The first failure ends the others at once; theirs then say nothing new.
          if (stop.signal.aborted) return;
          stop.abort();
          throw error;
        }
        done += batch.length;
        onProgress?.({ done, total: clips.length });
      }),
    ),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;

  const annotations = join(dir, 'annotations.jsonl');
  const text = toJsonl(
    clips.map(({ split, index, path }) =>
      annotateScene(sceneProgramme(seed, split, index), path, split, { rlSpans }),
    ),
  );
  const draft = `${annotations}.tmp`;
  await writeFile(draft, text);
  await rename(draft, annotations);
  return { annotations, rendered, reused: clips.length - rendered };
}
