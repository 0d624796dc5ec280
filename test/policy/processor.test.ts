import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../core/package-root.js';
import { patchify, smartResize, videoTokens } from '../../policy/processor.js';

const Reference = z.object({
  resized: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  grid: z.tuple([z.number(), z.number(), z.number()]),
  projected: z.array(z.number()),
});
const reference = Reference.parse(
  JSON.parse(readFileSync(join(packageRoot, 'test/fixtures/policy/processor.json'), 'utf8')),
);

const testFrames = (count: number, height: number, width: number): Uint8Array =>
  Uint8Array.from({ length: count * height * width * 3 }, (_, i) => (i * 7919 + (i >> 8) * 104729) % 256);

describe('smartResize', () => {
  it('agrees with transformers on random sizes and on halves that round to even', () => {
    for (const [height, width, rows, columns] of reference.resized) {
      const got = smartResize(height, width, { minPixels: 56 * 56, maxPixels: 28 * 28 * 400 });
      expect([got.height, got.width], `${height} x ${width}`).toEqual([rows, columns]);
    }
  });

  it('keeps within the pixel budget and on the factor', () => {
    const { height, width } = smartResize(1080, 1920, { maxPixels: 100_000 });
    expect(height * width).toBeLessThanOrEqual(100_000);
    expect([height % 28, width % 28]).toEqual([0, 0]);
  });

  it('refuses a strip', () => {
    expect(() => smartResize(10, 4000)).toThrow(/200 times/);
  });
});

describe('patchify', () => {
  it("gives the reference processor's patches, an odd last frame repeated", () => {
    const { patches, grid } = patchify(testFrames(3, 56, 84), { count: 3, height: 56, width: 84 });
    expect([grid.t, grid.h, grid.w]).toEqual(reference.grid);
    expect(videoTokens(grid)).toBe(12);
    const width = patches.length / reference.projected.length;
    expect(width).toBe(3 * 2 * 14 * 14);
    for (const [row, wanted] of reference.projected.entries()) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += patches[row * width + i]! * Math.cos(i * 0.7);
      expect(sum).toBeCloseTo(wanted, 3);
    }
  });

  it('refuses sizes that do not fit', () => {
    expect(() => patchify(testFrames(2, 56, 84), { count: 3, height: 56, width: 84 })).toThrow(
      /bytes of frames/,
    );
    expect(() => patchify(testFrames(2, 50, 84), { count: 2, height: 50, width: 84 })).toThrow(
      /multiples of 28/,
    );
  });
});
