import { describe, expect, it } from 'vitest';
import { Random } from '../../../core/random.js';
import type { Span } from '../../../datasets/sample.js';
import { eventsIn, liesIn, trimmedViews, type View } from '../../../teachers/embedded/views.js';
import { poolIndices, uniformIndices } from '../../../video/sampling.js';

const full = (n: number, count = 16): View => ({ name: 'full', frames: uniformIndices(n, count), cut: null });
const views = (spans: Span[], seed: number, n = 32, count = 3): View[] =>
  trimmedViews({ frameCount: n, pool: poolIndices(n, 64), spans }, 16, count, Random.from(seed, 'test'));

describe('trimmed views', () => {
  it('take sixteen frames again, outside of the cut, in order', () => {
    for (let seed = 0; seed < 200; seed++) {
      for (const { frames, cut } of views([[0.25, 0.6]], seed, seed % 2 === 0 ? 32 : 451)) {
        const n = seed % 2 === 0 ? 32 : 451;
        expect(frames).toHaveLength(16);
        expect(frames).toEqual([...frames].sort((a, b) => a - b));
        expect(cut).not.toBeNull();
        expect(frames.some((frame) => liesIn(frame, n, [cut!]))).toBe(false);
        expect(cut![0]).toBeGreaterThanOrEqual(0);
        expect(cut![1]).toBeLessThanOrEqual(1);
      }
    }
  });

  it('leave no sliver: the anomaly is gone, or seen in two frames at least', () => {
    const spans: Span[] = [[0.3, 0.55]];
    let gone = 0;
    let left = 0;
    for (let seed = 0; seed < 400; seed++) {
      for (const { frames } of views(spans, seed)) {
        const seen = frames.filter((frame) => liesIn(frame, 32, spans)).length;
        expect(seen === 0 || seen >= 2).toBe(true);
        if (seen === 0) gone++;
        else left++;
      }
    }
    // Half of the cuts are exactly the anomaly, 40% of those moved to an end of the clip.
    expect(gone / (gone + left)).toBeGreaterThan(0.3);
    expect(gone / (gone + left)).toBeLessThan(0.7);
  });

  it('are drawn from the seed, each view by itself, and named', () => {
    expect(views([], 5)).toEqual(views([], 5));
    expect(views([], 5)).not.toEqual(views([], 6));
    expect(views([], 5).map((v) => v.name)).toEqual(['trim-0', 'trim-1', 'trim-2']);
    expect(new Set(views([], 5).map((v) => JSON.stringify(v.cut))).size).toBe(3);
  });

  it('cut a clip end 40% of the time', () => {
    let ends = 0;
    for (let seed = 0; seed < 500; seed++) {
      const { cut } = views([], seed, 32, 1)[0]!;
      if (cut![0] === 0 || Math.abs(cut![1] - 1) < 1e-9) ends++;
    }
    expect(ends / 500).toBeGreaterThan(0.33);
    expect(ends / 500).toBeLessThan(0.48);
  });

  it('are left out where no good cut exists', () => {
    // An anomaly that fills the video cannot be cut out: any part of it that is left is shown.
    for (const { frames } of views([[0, 1]], 1))
      expect(frames.every((frame) => liesIn(frame, 32, [[0, 1]]))).toBe(true);
    expect(
      trimmedViews({ frameCount: 4, pool: [0, 1, 2, 3], spans: [] }, 16, 2, Random.from(1, 'x')),
    ).toEqual([]);
    expect(views([], 1, 32, 0)).toEqual([]);
  });
});

describe('eventsIn', () => {
  it('marks the patches of two frames that show the anomaly, and puts the span on their grid', () => {
    const { patches, target } = eventsIn(full(32), 32, [[8 / 32, 16 / 32]]);
    expect(patches).toEqual([false, false, true, true, false, false, false, false]);
    expect(target).toEqual({ span: [0.25, 0.5], from: 'single' });
  });

  it('takes the end of a span as the first frame after it', () => {
    expect(eventsIn(full(32), 32, [[0, 4 / 32]]).target!.span).toEqual([0, 0.125]);
    expect(eventsIn(full(32), 32, [[0, 5 / 32]]).target!.span).toEqual([0, 0.25]);
    expect(eventsIn(full(32), 32, [[0, 1]]).target!.span).toEqual([0, 1]);
  });

  it('gives an anomaly between the frames the patch of its middle, in the full view only', () => {
    const blink: Span[] = [[0.501, 0.502]];
    expect(eventsIn(full(1000), 1000, blink).target!.span).toEqual([0.5, 0.625]);
    expect(eventsIn({ ...full(1000), name: 'trim-0', cut: [0.9, 1] }, 1000, blink).target).toBeNull();
  });

  it('reduces several spans as the contract says, on the grid', () => {
    const several = eventsIn(full(320, 16), 320, [
      [0, 0.12],
      [0.5, 0.99],
    ]);
    expect(several.patches).toEqual([true, false, false, false, true, true, true, true]);
    expect(several.target).toEqual({ span: [0, 1], from: 'hull' });
    const far = eventsIn(full(320, 16), 320, [
      [0, 0.12],
      [0.88, 0.99],
    ]);
    expect(far.target).toEqual({ span: [0, 0.125], from: 'longest' });
  });

  it('has no target on Normal', () => {
    expect(eventsIn(full(32), 32, [])).toEqual({
      patches: Array.from({ length: 8 }, () => false),
      target: null,
    });
  });
});
