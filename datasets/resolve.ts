import type { Split } from '../config/dataset.js';
import type { Annotation, Intervals, Warning } from './annotation.js';
import { targetOf, union } from './interval.js';
import type { Reject, Sample, Span } from './sample.js';
import { canonicalCategory, nearestCategory, type Category } from './taxonomy.js';

/** What probing says about a video. */
export interface ProbedVideo {
  /** sha256 of the file's bytes. */
  readonly digest: string;
  /** Decodable frames. */
  readonly frames: number;
  readonly fps: number;
  readonly width: number;
  readonly height: number;
}

/** A sample that has no split yet. */
export interface ResolvedSample {
  readonly sample: Omit<Sample, 'split'>;
  /** The split its annotation asks for. */
  readonly split: Split | null;
  readonly from: string;
}

export type Resolution =
  { readonly resolved: ResolvedSample; readonly warnings: readonly Warning[] } | { readonly reject: Reject };

/** Frames that a span may reach over the end; counts of different decoders differ by as much. */
const slackFrames = 2;
/** The same for seconds, which people round to tenths. */
const slackSeconds = 0.1;
/** A video whose length differs from the annotator's by more than this share is another cut. */
const lengthShare = 0.05;

/**
 * Compares an annotation with its probed video. Spans become fractions; one that reaches past the end by up to 2 frames
 * (.1 s where it was given in seconds) is clamped with a warning, by more is a reject. Spans on a Normal row are ignored
 * with a warning: several datasets fill them. A category on a Normal row, an unknown one, and another length than the
 * annotator had are rejects.
 */
export function resolveSample(annotation: Annotation, video: ProbedVideo): Resolution {
  const { id, from } = annotation;
  const refuse = (reason: string, message: string): Resolution => ({ reject: { id, from, reason, message } });
  const warnings: Warning[] = [];
  const category = resolveCategory(annotation);
  if (typeof category === 'object' && category !== null) return refuse(category.reason, category.message);

  let spans: Span[] = [];
  if (annotation.intervals !== null) {
    if (annotation.label === 'Normal') {
      warnings.push({
        from,
        code: 'span-on-normal',
        message: `${id}: spans on a Normal video are ignored`,
      });
    } else {
      const read = resolveSpans(annotation.intervals, video);
      if ('reason' in read) return refuse(read.reason, read.message);
      spans = read.spans;
      for (const [code, message] of read.warnings)
        warnings.push({ from, code, message: `${id}: ${message}` });
    }
  }
  const { digest, ...measured } = video;
  return {
    resolved: {
      sample: {
        id,
        video: digest,
        group: annotation.group,
        label: annotation.label,
        category,
        spans,
        target: targetOf(spans),
        place: annotation.place,
        description: annotation.description,
        reasoning: annotation.reasoning,
        frames: measured.frames,
        fps: measured.fps,
        width: measured.width,
        height: measured.height,
      },
      split: annotation.split,
      from,
    },
    warnings,
  };
}

interface Problem {
  readonly reason: string;
  readonly message: string;
}

function resolveCategory({ label, category: raw }: Annotation): Category | null | Problem {
  if (raw === null) return null;
  const saysNormal = raw.trim().toLowerCase() === 'normal';
  const category = canonicalCategory(raw);
  if (label === 'Normal') {
    if (saysNormal) return null;
    return {
      reason: 'label-category',
      message: `the label is Normal but the category is "${raw}"`,
    };
  }
  if (saysNormal)
    return { reason: 'label-category', message: 'the label is Abnormal but the category is Normal' };
  if (category !== null) return category;
  const near = nearestCategory(raw);
  return {
    reason: 'unknown-category',
    message: `no category of the taxonomy is called "${raw}"${near === null ? '' : `, did you mean "${near}"?`}`,
  };
}

function resolveSpans(
  intervals: Intervals,
  video: ProbedVideo,
): { readonly spans: Span[]; readonly warnings: readonly (readonly [string, string])[] } | Problem {
  const warnings: [string, string][] = [];
  const perFrame = intervals.unit === 'seconds' ? video.fps : 1;
  let scale = 1;
  if (intervals.totalFrames !== null && Math.abs(intervals.totalFrames - video.frames) > slackFrames) {
    const off = Math.abs(intervals.totalFrames - video.frames) / intervals.totalFrames;
    const text = `the video has ${video.frames} frames, the annotation ${intervals.totalFrames}`;
    if (off > lengthShare)
      return { reason: 'other-length', message: `${text}: this is another cut of the video` };
    warnings.push(['other-length', `${text}; spans are scaled`]);
    scale = video.frames / intervals.totalFrames;
  }
  const slack = intervals.unit === 'seconds' ? Math.max(slackFrames, slackSeconds * video.fps) : slackFrames;
  const fractions: Span[] = [];
  for (const [first, last] of intervals.spans) {
    const shown = `[${first}, ${last}] ${intervals.unit}`;
    let start = (first - intervals.base) * perFrame * scale;
    let end = (last - intervals.base + (intervals.endInclusive ? 1 : 0)) * perFrame * scale;
    if (start >= end) return { reason: 'bad-span', message: `the span ${shown} is empty or reversed` };
    if (end > video.frames || start < 0) {
      if (end > video.frames + slack || start < -slack || start >= video.frames) {
        const length = (video.frames / video.fps).toFixed(2);
        return {
          reason: 'span-outside',
          message: `the span ${shown} lies outside the video of ${video.frames} frames (${length} s)`,
        };
      }
      warnings.push(['span-clamped', `the span ${shown} is clamped to the video`]);
      start = Math.max(0, start);
      end = Math.min(video.frames, end);
    }
    fractions.push([round(start / video.frames), round(end / video.frames)]);
  }
  const spans = union(fractions).filter(([start, end]) => start < end);
  if (spans.length === 0) return { reason: 'bad-span', message: 'the spans cover nothing' };
  return { spans, warnings };
}

/** Six decimals: finer than a frame of any video, and free of the tails of binary fractions. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;
