import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Split } from '../../config/dataset.js';
import type { RunConfig } from '../../config/schema.js';
import { sha256 } from '../../core/digest.js';
import { toJsonl } from '../../core/jsonl.js';
import type { Sample, Span } from '../../datasets/sample.js';
import type { Target } from '../../datasets/target.js';
import { captionVideo, type CaptionRecord } from '../../teachers/embedded/captions.js';
import { reasonAbout } from '../../teachers/embedded/reasoning.js';
import type { FrameIndexEntry } from '../../training/job.js';
import { encodeFramePack } from '../../video/frame-pack.js';
import { poolIndices, teacherIndices, uniformIndices } from '../../video/sampling.js';
import { annotateScene } from '../../video/synthetic/annotation.js';
import { sceneProgramme } from '../../video/synthetic/programme.js';
import { renderScene } from '../../video/synthetic/render.js';
import {
  CLIP_FPS,
  CLIP_FRAMES,
  PIXELS_PER_UNIT,
  VIDEO_HEIGHT,
  VIDEO_WIDTH,
} from '../../video/synthetic/world.js';

/** Files that training jobs read. */
export interface ClipFiles {
  readonly blobDir: string;
  readonly frameIndex: string;
  readonly samples: string;
  readonly targets: string;
}

const width = VIDEO_WIDTH / PIXELS_PER_UNIT;
const height = VIDEO_HEIGHT / PIXELS_PER_UNIT;
const frameBytes = width * height * 3;
const SEED = 20250519;

/**
 * Clips of the demo's renderer as training jobs read them: frame packs, samples, and what the demo's teacher writes about
 * those of split `sft`. They skip the video file between renderer and frames, which no training step sees.
 */
export async function writeClips(
  folder: string,
  counts: Readonly<Partial<Record<Split, number>>>,
  config: Pick<RunConfig, 'frames' | 'teacher'>,
): Promise<ClipFiles> {
  const files: ClipFiles = {
    blobDir: join(folder, 'blobs'),
    frameIndex: join(folder, 'frames.jsonl'),
    samples: join(folder, 'samples.jsonl'),
    targets: join(folder, 'targets.jsonl'),
  };
  const samples: Sample[] = [];
  const index: FrameIndexEntry[] = [];
  const targets: Target[] = [];
  for (const [split, count] of Object.entries(counts) as [Split, number][]) {
    for (let k = 0; k < count; k++) {
      const { sample, pixels } = makeClip(split, k);
      const pack = encodeFramePack({
        width,
        height,
        frameCount: CLIP_FRAMES,
        fps: CLIP_FPS,
        frames: Array.from({ length: CLIP_FRAMES }, (_, at) => ({ index: at })),
        pixels,
        teacher: null,
      });
      const digest = sha256(pack);
      await mkdir(join(files.blobDir, digest.slice(0, 2)), { recursive: true });
      await writeFile(join(files.blobDir, digest.slice(0, 2), digest), pack);
      samples.push(sample);
      index.push({ sampleId: sample.id, pack: digest });
      if (split === 'sft') targets.push(...describeClip(sample, pixels, config).targets);
    }
  }
  await writeFile(files.samples, toJsonl(samples));
  await writeFile(files.frameIndex, toJsonl(index));
  await writeFile(files.targets, toJsonl(targets));
  return files;
}

/** A clip of a split by its number: the sample, and all frames at half of the video’s width and height. */
export function makeClip(split: Split, k: number): { readonly sample: Sample; readonly pixels: Uint8Array } {
  const id = `${split}-${k}`;
  const programme = sceneProgramme(SEED, split, k);
  const pixels = halve(renderScene(programme));
  const { label, category, spans, place, description } = annotateScene(programme, id, split);
  const fractions = (spans ?? []).map(([from, to]): Span => [
    (from * CLIP_FPS) / CLIP_FRAMES,
    (to * CLIP_FPS) / CLIP_FRAMES,
  ]);
  const [span] = fractions;
  const sample: Sample = {
    id,
    video: sha256(pixels),
    group: id,
    split,
    label,
    category: category ?? null,
    spans: fractions,
    target: span === undefined ? null : { span, from: 'single' },
    place: place ?? null,
    description: description ?? null,
    reasoning: null,
    frames: CLIP_FRAMES,
    fps: CLIP_FPS,
    width: VIDEO_WIDTH,
    height: VIDEO_HEIGHT,
  };
  return { sample, pixels };
}

/** What the demo’s teacher writes about a clip. */
export function describeClip(
  sample: Sample,
  pixels: Uint8Array,
  { frames, teacher }: Pick<RunConfig, 'frames' | 'teacher'>,
): { readonly captions: CaptionRecord; readonly targets: readonly Target[] } {
  const indices = teacherIndices(CLIP_FRAMES, { every: frames.teacherEvery, most: frames.teacherMost });
  const shown = indices.map((at) => pixels.subarray(at * frameBytes, (at + 1) * frameBytes));
  const seen = { width, height, indices, frameCount: CLIP_FRAMES, fps: CLIP_FPS };
  const captions = captionVideo(sample.id, { ...seen, pixels: new Uint8Array(Buffer.concat(shown)) });
  const result = reasonAbout({
    sample,
    captions,
    policyFrames: uniformIndices(CLIP_FRAMES, frames.policyFrames),
    poolFrames: poolIndices(CLIP_FRAMES, frames.poolFrames),
    trimmedViews: teacher.trimmedViews,
    seed: SEED,
  });
  if (result.outcome !== 'ok') throw new Error(`${sample.id}: ${result.message}`);
  return { captions, targets: result.targets };
}

/** Frames of half the width and height: means of 2 x 2 pixels. */
function halve(frames: Uint8Array): Uint8Array {
  const row = VIDEO_WIDTH * 3;
  const half = new Uint8Array(CLIP_FRAMES * frameBytes);
  for (let at = 0; at < half.length; at++) {
    const channel = at % 3;
    const x = Math.floor(at / 3) % width;
    const y = Math.floor(at / (3 * width));
    const from = 2 * y * row + 6 * x + channel;
    half[at] = Math.round(
      (frames[from]! + frames[from + 3]! + frames[from + row]! + frames[from + row + 3]!) / 4,
    );
  }
  return half;
}
