import { describe, expect, it } from 'vitest';
import { prepareBatch } from '../../policy/batch.js';
import { mropePositions } from '../../policy/positions.js';
import { tinyConfig, tinyGrid, tinyPrompt } from './tiny.js';

const request = {
  prompts: [tinyPrompt(8, 9), tinyPrompt(8, 9, 10)],
  completions: [
    [20, 21, 2],
    [22, 2],
  ],
  grid: tinyGrid,
};

describe('prepareBatch', () => {
  it('pads on the right and lines targets up by position', () => {
    const batch = prepareBatch(tinyConfig, { ...request, padToLength: 20, rows: 3, visionRow: [1, 1] });
    expect(batch).toMatchObject({
      rows: 3,
      length: 20,
      from: 14,
      predicted: 6,
      videoOffset: 3,
      videoTokens: 8,
    });
    expect([...batch.ids.subarray(0, 20)]).toEqual([...tinyPrompt(8, 9), 20, 21, 2, 0, 0, 0]);
    expect([...batch.targets.subarray(0, 12)]).toEqual([20, 21, 2, 0, 0, 0, 10, 22, 2, 0, 0, 0]);
    expect([...batch.mask]).toEqual([1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...batch.visionRow]).toEqual([1, 1, 0]);
    // Rows share positions, whatever the length of their prompts.
    for (let axis = 0; axis < 3; axis++) {
      const of = (row: number) => [
        ...batch.positions.subarray((axis * 3 + row) * 20, (axis * 3 + row + 1) * 20),
      ];
      expect(of(1)).toEqual(of(0));
    }
  });

  it('takes the longest row when no length is given', () => {
    expect(prepareBatch(tinyConfig, request)).toMatchObject({ rows: 2, length: 17, predicted: 3 });
  });

  it('refuses what cannot be one batch', () => {
    const mixed = { ...request, grids: [tinyGrid, { ...tinyGrid, t: 3 }] };
    expect(() => prepareBatch(tinyConfig, mixed)).toThrow(/one batch/);
    const shifted = { ...request, prompts: [request.prompts[0]!, [1, ...request.prompts[1]!]] };
    expect(() => prepareBatch(tinyConfig, shifted)).toThrow(/another offset/);
    expect(() => prepareBatch(tinyConfig, { ...request, padToLength: 16 })).toThrow(/17 tokens/);
    expect(() => prepareBatch(tinyConfig, { ...request, completions: [] })).toThrow(/2 prompts but 0/);
    expect(() => prepareBatch(tinyConfig, { ...request, visionRow: [0] })).toThrow(/1 vision rows/);
    expect(() => prepareBatch(tinyConfig, { ...request, grid: { ...tinyGrid, t: 3 } })).toThrow(
      /placeholders/,
    );
  });
});

describe('mropePositions', () => {
  it('starts the text after a video at the largest position plus one', () => {
    const { positions, next } = mropePositions(tinyPrompt(8), tinyConfig, { videos: [tinyGrid] });
    expect([...positions.subarray(0, 13)]).toEqual([0, 1, 2, 3, 3, 3, 3, 5, 5, 5, 5, 6, 7]);
    expect([...positions.subarray(13, 26)]).toEqual([0, 1, 2, 3, 3, 4, 4, 3, 3, 4, 4, 6, 7]);
    expect([...positions.subarray(26)]).toEqual([0, 1, 2, 3, 4, 3, 4, 3, 4, 3, 4, 6, 7]);
    expect(next).toBe(8);
  });

  it('mixes images and videos and counts whole seconds', () => {
    const ids = [3, 5, 5, 4, 3, 6, 6, 4, 9];
    const media = { images: [{ t: 1, h: 2, w: 4 }], videos: [{ t: 2, h: 2, w: 2 }], secondsPerGrid: [2.9] };
    const { positions } = mropePositions(ids, tinyConfig, media);
    expect([...positions.subarray(0, 9)]).toEqual([0, 1, 1, 3, 4, 5, 9, 10, 11]);
    expect([...positions.subarray(18)]).toEqual([0, 1, 2, 3, 4, 5, 5, 10, 11]);
    expect(() => mropePositions(ids, tinyConfig, { videos: media.videos })).toThrow(
      /an image that is not given/,
    );
    expect(() => mropePositions([9], tinyConfig, { videos: media.videos })).toThrow(
      /1 videos and 0 images given/,
    );
  });
});
