import { TerminalError } from '../core/errors.js';
import type { PolicyConfig } from './config.js';
import type { Grid } from './processor.js';

/** What a run of placeholders in a prompt stands for. */
export interface Media {
  readonly kind: 'video' | 'image';
  readonly grid: Grid;
  /** Seconds between a video's temporal patches; whole seconds count (as in transformers), 1 when absent. */
  readonly secondsPerGrid?: number;
}

/** Temporal patches of `h` x `w` patches that go through the vision tower as one batch. */
export interface Segment {
  readonly frames: number;
  readonly h: number;
  readonly w: number;
}

/** How several media lie in one vision tensor: those of one height and width next to each other. */
export interface VisionLayout {
  readonly segments: readonly Segment[];
  /** Indices of the media in the order in which their patches are put one after the other. */
  readonly order: readonly number[];
  /** First token of every medium in the vision tensor. */
  readonly firstToken: readonly number[];
  /** Tokens of all media. */
  readonly tokens: number;
}

/** Lays out the vision tensor of some media, which follows from their order and sizes alone. */
export function layOutVision(media: readonly Pick<Media, 'grid'>[], spatialMergeSize: number): VisionLayout {
  const bySize = new Map<string, number[]>();
  for (const [at, { grid }] of media.entries()) {
    const key = `${grid.h}x${grid.w}`;
    bySize.set(key, [...(bySize.get(key) ?? []), at]);
  }
  const segments: Segment[] = [];
  const order: number[] = [];
  const firstToken: number[] = [];
  let tokens = 0;
  for (const members of bySize.values()) {
    const { h, w } = media[members[0]!]!.grid;
    let frames = 0;
    for (const at of members) {
      order.push(at);
      firstToken[at] = tokens;
      frames += media[at]!.grid.t;
      tokens += (media[at]!.grid.t * h * w) / spatialMergeSize ** 2;
    }
    segments.push({ frames, h, w });
  }
  return { segments, order, firstToken, tokens };
}

/** Where one medium stands in a prompt. */
interface Placement {
  readonly start: number;
  readonly count: number;
  readonly medium: Media;
}

/**
 * Finds the media of a prompt.
 *
 * @param media what lies behind the placeholders, in the order in which it appears
 * @throws TerminalError `policy.placeholder-mismatch` when placeholders and media disagree
 */
export function placements(
  { tokens, vision }: PolicyConfig,
  prompt: readonly number[],
  media: readonly Media[],
): Placement[] {
  const mismatch = (message: string) => new TerminalError('policy.placeholder-mismatch', message);
  const found: Placement[] = [];
  for (let start = 0; start < prompt.length;) {
    const isVideo = prompt[start] === tokens.video;
    if (!isVideo && prompt[start] !== tokens.image) {
      start++;
      continue;
    }
    const medium = media[found.length];
    if (medium === undefined || (medium.kind === 'video') !== isVideo) {
      throw mismatch(
        `token ${start} is a placeholder of ${isVideo ? 'a video' : 'an image'} that is not given`,
      );
    }
    const { t, h, w } = medium.grid;
    const count = (t * h * w) / vision.spatialMergeSize ** 2;
    for (let i = start; i < start + count; i++) {
      if (prompt[i] !== prompt[start])
        throw mismatch(`a grid of ${t} x ${h} x ${w} patches needs ${count} placeholders`);
    }
    found.push({ start, count, medium });
    start += count;
  }
  if (found.length !== media.length)
    throw mismatch(`${media.length} videos and images given, ${found.length} used`);
  return found;
}

/**
 * Row of the vision tensor behind every token of a prompt, -1 for text. To be called with the prompt alone: a
 * completion may hold a placeholder's id as a token of its own.
 *
 * @param shows which of the batch's media the prompt shows, in the order in which they appear
 * @throws TerminalError as {@link placements}
 */
export function visionIndex(
  config: PolicyConfig,
  prompt: readonly number[],
  media: readonly Media[],
  shows: readonly number[],
  layout: VisionLayout,
): Int32Array {
  const index = new Int32Array(prompt.length).fill(-1);
  const own = shows.map((which) => media[which]!);
  placements(config, prompt, own).forEach(({ start, count }, at) => {
    for (let i = 0; i < count; i++) index[start + i] = layout.firstToken[shows[at]!]! + i;
  });
  return index;
}
