import { describe, expect, it } from 'vitest';
import { prepareBatch } from '../../policy/batch.js';
import { layOutVision } from '../../policy/media.js';
import { mropePositions } from '../../policy/positions.js';
import { tinyConfig, tinyGrid, tinyMedia, tinyPrompt } from './tiny.js';

const request = {
  prompts: [tinyPrompt(8, 9), tinyPrompt(8, 9, 10)],
  completions: [
    [20, 21, 2],
    [22, 2],
  ],
  media: tinyMedia(2),
};

describe('prepareBatch', () => {
  it('pads on the right and lines targets up by position', () => {
    const batch = prepareBatch(tinyConfig, { ...request, padToLength: 20, rows: 3, shows: [[1], [1]] });
    expect(batch).toMatchObject({ rows: 3, length: 20, from: 14, predicted: 6, positionsAgree: true });
    expect([...batch.ids.subarray(0, 20)]).toEqual([...tinyPrompt(8, 9), 20, 21, 2, 0, 0, 0]);
    expect([...batch.targets.subarray(0, 12)]).toEqual([20, 21, 2, 0, 0, 0, 10, 22, 2, 0, 0, 0]);
    expect([...batch.mask]).toEqual([1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // The second video's eight tokens, in every row: the padding row repeats the first.
    const second = [8, 9, 10, 11, 12, 13, 14, 15];
    for (const row of [0, 1, 2]) {
      const own = [...batch.visionIndex.subarray(row * 20, row * 20 + 20)];
      expect(own).toEqual([-1, -1, -1, ...second, ...new Array<number>(9).fill(-1)]);
    }
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

  it('mixes videos of different lengths and sizes, and text alone', () => {
    const longer = { kind: 'video' as const, grid: { ...tinyGrid, t: 3 } };
    const wide = { kind: 'image' as const, grid: { t: 1, h: 2, w: 4 } };
    const prompts = [tinyPrompt(8), [3, 5, 5, 4, 3, ...new Array<number>(12).fill(6), 4, 9], [7, 8, 9]];
    const batch = prepareBatch(tinyConfig, {
      prompts,
      completions: [[20], [21], [22]],
      media: [...tinyMedia(1), wide, longer],
      shows: [[0], [1, 2], []],
    });
    expect(batch.positionsAgree).toBe(false);
    expect(batch.layout).toEqual({
      segments: [
        { frames: 5, h: 4, w: 4 },
        { frames: 1, h: 2, w: 4 },
      ],
      order: [0, 2, 1],
      firstToken: [0, 20, 8],
      tokens: 22,
    });
    const row = (at: number) => [...batch.visionIndex.subarray(at * batch.length, (at + 1) * batch.length)];
    expect(row(1).slice(0, 7)).toEqual([-1, 20, 21, -1, -1, 8, 9]);
    expect(row(2).every((index) => index === -1)).toBe(true);
    expect(batch.from).toBe(3);
  });

  it('packs sequences into rows', () => {
    const packed = [[1, 0]];
    const batch = prepareBatch(tinyConfig, { ...request, packed, padToLength: 36, rows: 2 });
    expect(batch).toMatchObject({ rows: 2, length: 36, from: 14, positionsAgree: false });
    const [second, first] = [
      [...tinyPrompt(8, 9, 10), 22, 2],
      [...tinyPrompt(8, 9), 20, 21, 2],
    ];
    expect([...batch.ids.subarray(0, 36)]).toEqual([...second, ...first, 0, 0]);
    expect(batch.firstTargets).toEqual([17, 1]);
    // The padding row repeats the prompts alone.
    const numbers = [...Array<number>(17).fill(0), ...Array<number>(19).fill(1)];
    expect([...batch.sequenceIds!]).toEqual([...numbers, ...numbers]);
    const predicting = [...batch.mask.keys()].filter((at) => batch.mask[at] === 1);
    expect(predicting).toEqual([1, 2, 17, 18, 19]);
    expect(predicting.map((at) => batch.targets[at])).toEqual([22, 2, 20, 21, 2]);
    for (const row of [0, 1]) {
      const seen = [...batch.visionIndex.subarray(row * 36, (row + 1) * 36)].filter((at) => at >= 0);
      expect(seen).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it('refuses packed rows that do not fit or do not hold every sequence once', () => {
    expect(() => prepareBatch(tinyConfig, { ...request, packed: [[0, 1]], padToLength: 33 })).toThrow(
      /a row of 34 tokens does not fit a batch padded to 33/,
    );
    for (const packed of [[[0]], [[0, 1], [1]], [[0, 2]], [[0, 0]]])
      expect(() => prepareBatch(tinyConfig, { ...request, packed })).toThrow(/each of 2 sequences once/);
  });

  it('refuses what cannot be one batch', () => {
    expect(() => prepareBatch(tinyConfig, { ...request, padToLength: 16 })).toThrow(/17 tokens/);
    expect(() => prepareBatch(tinyConfig, { ...request, completions: [] })).toThrow(/2 prompts but 0/);
    expect(() => prepareBatch(tinyConfig, { ...request, shows: [[0]] })).toThrow(/1 lists of what they show/);
    expect(() => prepareBatch(tinyConfig, { ...request, shows: [[0], []] })).toThrow(
      /a video that is not given/,
    );
    const empty = { ...request, prompts: [[], tinyPrompt(8)] };
    expect(() => prepareBatch(tinyConfig, { ...empty, shows: [[], [1]] })).toThrow(/empty/);
    const tall = [{ kind: 'video' as const, grid: { ...tinyGrid, t: 3 } }, ...tinyMedia(1)];
    expect(() => prepareBatch(tinyConfig, { ...request, media: tall })).toThrow(/needs 12 placeholders/);
  });
});

describe('layOutVision', () => {
  it('puts media of one height and width next to each other', () => {
    const media = [
      { grid: { t: 2, h: 4, w: 6 } },
      { grid: { t: 1, h: 6, w: 4 } },
      { grid: { t: 3, h: 4, w: 6 } },
    ];
    expect(layOutVision(media, 2)).toEqual({
      segments: [
        { frames: 5, h: 4, w: 6 },
        { frames: 1, h: 6, w: 4 },
      ],
      order: [0, 2, 1],
      firstToken: [0, 30, 12],
      tokens: 36,
    });
    expect(layOutVision([], 2)).toEqual({ segments: [], order: [], firstToken: [], tokens: 0 });
  });
});

describe('mropePositions', () => {
  it('starts the text after a video at the largest position plus one', () => {
    const { positions, next } = mropePositions(tinyPrompt(8), tinyConfig, tinyMedia(1));
    expect([...positions.subarray(0, 13)]).toEqual([0, 1, 2, 3, 3, 3, 3, 5, 5, 5, 5, 6, 7]);
    expect([...positions.subarray(13, 26)]).toEqual([0, 1, 2, 3, 3, 4, 4, 3, 3, 4, 4, 6, 7]);
    expect([...positions.subarray(26)]).toEqual([0, 1, 2, 3, 4, 3, 4, 3, 4, 3, 4, 6, 7]);
    expect(next).toBe(8);
  });

  it('mixes images and videos and counts whole seconds', () => {
    const ids = [3, 5, 5, 4, 3, 6, 6, 4, 9];
    const image = { kind: 'image' as const, grid: { t: 1, h: 2, w: 4 } };
    const video = { kind: 'video' as const, grid: { t: 2, h: 2, w: 2 }, secondsPerGrid: 2.9 };
    const { positions } = mropePositions(ids, tinyConfig, [image, video]);
    expect([...positions.subarray(0, 9)]).toEqual([0, 1, 1, 3, 4, 5, 9, 10, 11]);
    expect([...positions.subarray(18)]).toEqual([0, 1, 2, 3, 4, 5, 5, 10, 11]);
    expect(() => mropePositions(ids, tinyConfig, [video, image])).toThrow(/an image that is not given/);
    expect(() => mropePositions([9], tinyConfig, [video])).toThrow(/1 videos and images given, 0 used/);
  });
});
