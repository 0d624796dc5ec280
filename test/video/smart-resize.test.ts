import { describe, expect, it } from 'vitest';
import { TerminalError } from '../../core/errors.js';
import { smartResize } from '../../video/smart-resize.js';
import { shapeFixtures } from '../policy/shape-fixtures.js';

const qwen = { factor: 28, minPixels: 4 * 28 * 28, maxPixels: 128 * 28 * 28 };

describe('smartResize', () => {
  // Worked out by hand from the formula of smart_resize in qwen-vl-utils.
  it.each([
    [360, 640, 224, 420],
    [576, 768, 252, 364],
    [1080, 1920, 224, 420],
    [240, 320, 252, 308],
    [56, 84, 56, 84],
    [28, 28, 56, 56],
    [10, 10, 56, 56],
    [1920, 1080, 420, 224],
  ])('%i x %i becomes %i x %i', (height, width, toHeight, toWidth) => {
    expect(smartResize(height, width, qwen)).toEqual({ height: toHeight, width: toWidth });
  });

  it('agrees with transformers wherever no side rounds to nothing', () => {
    let compared = 0;
    for (const [height, width, factor, minPixels, maxPixels, size] of shapeFixtures.resized) {
      const resize = () => smartResize(height, width, { factor, minPixels, maxPixels });
      if (size === null) expect(resize, `${height} x ${width}`).toThrow(TerminalError);
      else if (Math.min(height, width) > factor / 2) {
        expect(Object.values(resize()), `${height} x ${width}, factor ${factor}`).toEqual(size);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(60);
  });

  it('rounds halves to the even multiple, as Python does', () => {
    const roomy = { ...qwen, maxPixels: 1e9, minPixels: 1 };
    expect(smartResize(42, 70, roomy)).toEqual({ height: 56, width: 56 }); // 1.5 -> 2, 2.5 -> 2
    expect(smartResize(98, 126, roomy)).toEqual({ height: 112, width: 112 }); // 3.5 -> 4, 4.5 -> 4
  });

  it('stays within both limits, in multiples of the factor', () => {
    for (const [height, width] of [
      [7, 900],
      [480, 854],
      [2160, 3840],
      [33, 31],
    ] as const) {
      const to = smartResize(height, width, qwen);
      expect(to.height % 28).toBe(0);
      expect(to.width % 28).toBe(0);
      expect(to.height * to.width).toBeGreaterThanOrEqual(qwen.minPixels);
      expect(to.height * to.width).toBeLessThanOrEqual(qwen.maxPixels);
    }
  });

  it('refuses a picture that is a line', () => {
    expect(() => smartResize(3, 700, qwen)).toThrow(TerminalError);
  });
});
