import { describe, expect, it } from 'vitest';
import { patchify, videoTokens } from '../../policy/processor.js';
import { frameBytes } from './parity-case.js';
import { shapeFixtures } from './shape-fixtures.js';

describe('patchify', () => {
  it("gives the reference processors' patches of videos and images, an odd last frame repeated", () => {
    expect(shapeFixtures.patches.length).toBeGreaterThanOrEqual(40);
    for (const [
      at,
      { patchSize, count, height, width, grid, projected },
    ] of shapeFixtures.patches.entries()) {
      const sizes = { patchSize, temporalPatchSize: 2, spatialMergeSize: 2 };
      const got = patchify(frameBytes(count, height, width), { count, height, width }, sizes);
      expect(got.grid, `case ${at}`).toEqual(grid);
      expect(videoTokens(grid)).toBe(projected.length / 4);
      const values = got.patches.length / projected.length;
      expect(values).toBe(3 * 2 * patchSize ** 2);
      for (const [row, wanted] of projected.entries()) {
        let sum = 0;
        for (let i = 0; i < values; i++) sum += got.patches[row * values + i]! * Math.cos(i * 0.7);
        expect(Math.abs(sum - wanted), `case ${at}, patch ${row}`).toBeLessThan(2e-4);
      }
    }
    const counts = shapeFixtures.patches.map(({ count }) => count);
    expect(counts.filter((count) => count % 2 === 1).length).toBeGreaterThan(10);
    expect(new Set(shapeFixtures.patches.map(({ kind }) => kind))).toEqual(new Set(['video', 'image']));
  });

  it('refuses sizes that do not fit', () => {
    expect(() => patchify(frameBytes(2, 56, 84), { count: 3, height: 56, width: 84 })).toThrow(
      /bytes of frames/,
    );
    expect(() => patchify(frameBytes(2, 50, 84), { count: 2, height: 50, width: 84 })).toThrow(
      /multiples of 28/,
    );
    expect(() => patchify(frameBytes(0, 56, 84), { count: 0, height: 56, width: 84 })).toThrow(/must be one/);
  });

  it('writes where it is told, and nowhere else', () => {
    const size = { count: 3, height: 56, width: 84 };
    const frames = frameBytes(3, 56, 84);
    const { patches } = patchify(frames, size);
    const all = new Float32Array(patches.length + 2).fill(7);
    patchify(frames, size, undefined, all.subarray(1, -1));
    expect(all.subarray(1, -1)).toEqual(patches);
    expect([all[0], all.at(-1)]).toEqual([7, 7]);
    expect(() => patchify(frames, size, undefined, all)).toThrow(/an array of/);
  });
});
