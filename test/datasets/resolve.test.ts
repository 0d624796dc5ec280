import { describe, expect, it } from 'vitest';
import type { Annotation, Intervals } from '../../datasets/annotation.js';
import { resolveSample, type ProbedVideo, type Resolution } from '../../datasets/resolve.js';
import { Sample } from '../../datasets/sample.js';

const video: ProbedVideo = { digest: 'a'.repeat(64), frames: 100, fps: 10, width: 84, height: 56 };
const seconds = (...spans: [number, number][]): Intervals => ({
  unit: 'seconds',
  base: 0,
  endInclusive: false,
  totalFrames: null,
  spans,
});
const frames = (span: [number, number], change: Partial<Intervals> = {}): Intervals => ({
  unit: 'frames',
  base: 0,
  endInclusive: false,
  totalFrames: 100,
  spans: [span],
  ...change,
});
const annotation: Annotation = {
  id: 'a',
  path: '/videos/a.mp4',
  label: 'Abnormal',
  category: 'Fire',
  intervals: seconds([2, 5]),
  split: null,
  group: 'a',
  place: null,
  description: null,
  reasoning: null,
  from: 'clips.jsonl:1',
};
const resolve = (change: Partial<Annotation>, v = video): Resolution =>
  resolveSample({ ...annotation, ...change }, v);
const good = (change: Partial<Annotation>, v = video) => {
  const result = resolve(change, v);
  if ('reject' in result) throw new Error(result.reject.message);
  return { ...result.resolved.sample, warnings: result.warnings.map((w) => w.code) };
};
const bad = (change: Partial<Annotation>, v = video) => {
  const result = resolve(change, v);
  if (!('reject' in result)) throw new Error('accepted');
  return result.reject;
};

describe('a good annotation', () => {
  it('becomes a sample with fractions', () => {
    const result = resolve({});
    if ('reject' in result) throw new Error(result.reject.message);
    expect(result.warnings).toEqual([]);
    expect(Sample.parse({ ...result.resolved.sample, split: 'sft' })).toEqual({
      id: 'a',
      video: 'a'.repeat(64),
      group: 'a',
      split: 'sft',
      label: 'Abnormal',
      category: 'Fire',
      spans: [[0.2, 0.5]],
      target: { span: [0.2, 0.5], from: 'single' },
      place: null,
      description: null,
      reasoning: null,
      frames: 100,
      fps: 10,
      width: 84,
      height: 56,
    });
  });

  it('keeps every span and flags how the target was chosen', () => {
    const several = good({ intervals: seconds([8, 9], [1, 2]) });
    expect(several.spans).toEqual([
      [0.1, 0.2],
      [0.8, 0.9],
    ]);
    expect(several.target).toEqual({ span: [0.1, 0.2], from: 'longest' });
  });

  it('may be Abnormal without span and category', () => {
    expect(good({ intervals: null, category: null })).toMatchObject({
      spans: [],
      target: null,
      category: null,
    });
  });
});

describe('frame numbers', () => {
  it('respect the base and an inclusive end', () => {
    expect(good({ intervals: frames([0, 100]) }).spans).toEqual([[0, 1]]);
    expect(good({ intervals: frames([1, 100], { base: 1, endInclusive: true }) }).spans).toEqual([[0, 1]]);
    expect(good({ intervals: frames([10, 19], { endInclusive: true }) }).spans).toEqual([[0.1, 0.2]]);
  });

  it('are scaled to a video whose length differs a little, and refused where it differs much', () => {
    expect(good({ intervals: frames([52, 104], { totalFrames: 104 }) })).toMatchObject({
      spans: [[0.5, 1]],
      warnings: ['other-length'],
    });
    expect(good({ intervals: frames([51, 102], { totalFrames: 102 }) })).toMatchObject({
      spans: [[0.51, 1]],
      warnings: ['span-clamped'],
    });
    expect(bad({ intervals: frames([10, 20], { totalFrames: 200 }) })).toMatchObject({
      reason: 'other-length',
    });
  });
});

describe('spans at the border', () => {
  it('are clamped with a warning within two frames', () => {
    expect(good({ intervals: frames([90, 102]) })).toMatchObject({
      spans: [[0.9, 1]],
      warnings: ['span-clamped'],
    });
    expect(good({ intervals: seconds([9, 10.2]) })).toMatchObject({
      spans: [[0.9, 1]],
      warnings: ['span-clamped'],
    });
    // .1 s is 3 frames at 30 fps: people round to tenths.
    expect(good({ intervals: seconds([1, 3.43]) }, { ...video, fps: 30 })).toMatchObject({
      warnings: ['span-clamped'],
    });
  });

  it('are refused beyond', () => {
    for (const intervals of [frames([90, 103]), seconds([9, 10.3]), seconds([10, 10.1]), frames([-3, 10])]) {
      expect(bad({ intervals })).toMatchObject({ reason: 'span-outside', id: 'a', from: 'clips.jsonl:1' });
    }
    expect(bad({ intervals: seconds([60, 70]) }).message).toContain('[60, 70] seconds');
  });

  it('are refused when empty', () => {
    expect(bad({ intervals: frames([5, 5]) }).reason).toBe('bad-span');
    expect(bad({ intervals: frames([7, 5]) }).reason).toBe('bad-span');
  });
});

describe('labels and categories', () => {
  it('ignores filled spans on Normal, with a warning', () => {
    expect(good({ label: 'Normal', category: null, intervals: seconds([0, 10]) })).toMatchObject({
      spans: [],
      target: null,
      warnings: ['span-on-normal'],
    });
    expect(good({ label: 'Normal', category: 'normal', intervals: null })).toMatchObject({ category: null });
  });

  it('cleans the category, and refuses contradictions and unknown names', () => {
    expect(good({ category: 'Red Lgiht Violation' }).category).toBe('Red Light Violation');
    expect(bad({ label: 'Normal', intervals: null })).toMatchObject({ reason: 'label-category' });
    expect(bad({ category: 'Normal' })).toMatchObject({ reason: 'label-category' });
    expect(bad({ category: 'Fightng' })).toMatchObject({
      reason: 'unknown-category',
      message: expect.stringContaining('did you mean "Fighting"?') as string,
    });
    expect(bad({ category: 'Assault' }).reason).toBe('unknown-category');
  });
});
