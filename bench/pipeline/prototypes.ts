import type { RunConfig } from '../../config/schema.js';
import type { JsonlRow } from '../../datasets/importers/jsonl.js';
import type { Label } from '../../datasets/sample.js';
import type { CaptionRecord } from '../../teachers/embedded/captions.js';
import { encodeFramePack } from '../../video/frame-pack.js';
import { teacherIndices, uniformIndices } from '../../video/sampling.js';
import {
  CLIP_FPS,
  CLIP_FRAMES,
  PIXELS_PER_UNIT,
  VIDEO_HEIGHT,
  VIDEO_WIDTH,
} from '../../video/synthetic/world.js';
import { describeClip, makeClip } from '../training/demo-clips.js';

/** A clip of the demo's renderer that stands for all videos of its label: what every stage would make of each. */
export interface Prototype {
  /** The annotation line, without its path. */
  readonly annotation: Omit<JsonlRow, 'path'>;
  /** Bytes of the frame pack. */
  readonly pack: Uint8Array;
  readonly captions: CaptionRecord;
  /** A whole answer under the verdict prompt, a right one. */
  readonly verdict: string;
}

/** One prototype a label. */
export function prototypes(
  config: Pick<RunConfig, 'frames' | 'teacher'>,
): Readonly<Record<Label, Prototype>> {
  return { Normal: prototype('Normal', config), Abnormal: prototype('Abnormal', config) };
}

function prototype(label: Label, config: Pick<RunConfig, 'frames' | 'teacher'>): Prototype {
  for (let k = 0; ; k++) {
    const { sample, pixels } = makeClip('sft', k);
    if (sample.label !== label) continue;
    const { captions, targets } = describeClip(sample, pixels, config);
    const seconds = (fraction: number): number => (fraction * CLIP_FRAMES) / CLIP_FPS;
    return {
      annotation: {
        label,
        ...(sample.category === null ? {} : { category: sample.category }),
        ...(label === 'Normal'
          ? {}
          : { spans: sample.spans.map(([start, end]) => [seconds(start), seconds(end)]) }),
        ...(sample.place === null ? {} : { place: sample.place }),
        ...(sample.description === null ? {} : { description: sample.description }),
      },
      pack: packOf(pixels, config),
      captions,
      verdict: targets[0]!.verdict,
    };
  }
}

/** Frames for the policy and for the teacher, as the stage `frames` packs them. */
function packOf(pixels: Uint8Array, { frames }: Pick<RunConfig, 'frames'>): Uint8Array {
  const size = { width: VIDEO_WIDTH / PIXELS_PER_UNIT, height: VIDEO_HEIGHT / PIXELS_PER_UNIT };
  const bytes = size.width * size.height * 3;
  const at = (indices: readonly number[]): Uint8Array =>
    new Uint8Array(
      Buffer.concat(indices.map((index) => pixels.subarray(index * bytes, (index + 1) * bytes))),
    );
  const policy = uniformIndices(CLIP_FRAMES, frames.policyFrames);
  const teacher = teacherIndices(CLIP_FRAMES, { every: frames.teacherEvery, most: frames.teacherMost });
  return encodeFramePack({
    ...size,
    frameCount: CLIP_FRAMES,
    fps: CLIP_FPS,
    frames: policy.map((index) => ({ index })),
    pixels: at(policy),
    teacher: { ...size, indices: teacher, pixels: at(teacher) },
  });
}
