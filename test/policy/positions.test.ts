import { describe, expect, it } from 'vitest';
import { mropePositions, mropeTable } from '../../policy/positions.js';
import type { Media } from '../../policy/media.js';
import { shapeFixtures } from './shape-fixtures.js';
import { tinyConfig } from './tiny.js';

const { tokens } = tinyConfig;

/** The ids of a prompt of text runs and media. */
function idsOf(parts: readonly (number | Media)[]): number[] {
  return parts.flatMap((part) => {
    if (typeof part === 'number') return new Array<number>(part).fill(7);
    const { t, h, w } = part.grid;
    const placeholder = part.kind === 'video' ? tokens.video : tokens.image;
    return [tokens.visionStart, ...new Array<number>((t * h * w) / 4).fill(placeholder), tokens.visionEnd];
  });
}

describe('mropePositions', () => {
  it('agrees with get_rope_index on random prompts of images and videos', () => {
    expect(shapeFixtures.rope.length).toBeGreaterThanOrEqual(40);
    let media = 0;
    for (const [at, { tokensPerSecond, parts, positions, next }] of shapeFixtures.rope.entries()) {
      const config = { ...tinyConfig, vision: { ...tinyConfig.vision, tokensPerSecond } };
      const ids = idsOf(parts);
      const shown = parts.filter((part) => typeof part !== 'number');
      media += shown.length;
      const got = mropePositions(ids, config, shown);
      expect([...got.positions], `case ${at}`).toEqual(positions.flat());
      expect(got.next, `case ${at}`).toBe(next);
    }
    expect(media).toBeGreaterThan(40);
  });

  it('refuses media in another order than the prompt shows them', () => {
    const image: Media = { kind: 'image', grid: { t: 1, h: 2, w: 2 } };
    const video: Media = { kind: 'video', grid: { t: 1, h: 2, w: 2 } };
    expect(() => mropePositions(idsOf([image, video]), tinyConfig, [video, image])).toThrow(/not given/);
    expect(() => mropePositions(idsOf([image]), tinyConfig, [image, video])).toThrow(/2 videos and images/);
    const long: Media = { kind: 'video', grid: { t: 3, h: 2, w: 2 } };
    expect(() => mropePositions(idsOf([video]), tinyConfig, [long])).toThrow(/3 placeholders/);
  });
});

describe('mropeTable', () => {
  it('turns every channel with the axis of its section, from frequency 1 down', () => {
    // Sections 1, 1, 2 of four frequencies, at position (time 5, height 3, width 2).
    const { cos, sin } = mropeTable(tinyConfig, Int32Array.from([5, 3, 2]));
    const angles = [5, 3 / 10, 2 / 100, 2 / 1000];
    [...angles, ...angles].forEach((angle, channel) => {
      expect(cos[channel]).toBeCloseTo(Math.cos(angle), 6);
      expect(sin[channel]).toBeCloseTo(Math.sin(angle), 6);
    });
    expect(cos.length).toBe(tinyConfig.headDim);
  });
});
