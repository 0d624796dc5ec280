import { describe, expect, it } from 'vitest';
import { Canvas } from '../../../video/synthetic/canvas.js';
import { VIDEO_HEIGHT, VIDEO_WIDTH, type Rgb } from '../../../video/synthetic/world.js';

const white: Rgb = [200, 100, 50];

/** Video pixels that are not black. */
function inked(canvas: Canvas): [number, number][] {
  const found: [number, number][] = [];
  for (let y = 0; y < VIDEO_HEIGHT; y++) {
    for (let x = 0; x < VIDEO_WIDTH; x++) {
      if (canvas.pixels[(y * VIDEO_WIDTH + x) * 3]! > 0) found.push([x, y]);
    }
  }
  return found;
}

describe('Canvas', () => {
  it('draws rectangles in units of two pixels', () => {
    const canvas = new Canvas();
    canvas.rect(3, 2, 1.5, 1, white);
    expect(inked(canvas)).toEqual([
      [6, 4],
      [7, 4],
      [8, 4],
      [6, 5],
      [7, 5],
      [8, 5],
    ]);
    expect([...canvas.pixels.subarray((4 * VIDEO_WIDTH + 6) * 3, (4 * VIDEO_WIDTH + 7) * 3)]).toEqual([
      200, 100, 50,
    ]);
  });

  it('cuts off what lies outside', () => {
    const canvas = new Canvas();
    canvas.rect(-5, -5, 6, 6, white);
    canvas.rect(83, 55, 40, 40, white);
    canvas.rect(200, 10, 5, 5, white);
    canvas.disc(-30, 20, 5, white);
    canvas.disc(40, 90, 6, white);
    expect(inked(canvas)).toHaveLength(4 + 4);
  });

  it('draws discs of the right place and area', () => {
    const canvas = new Canvas();
    canvas.disc(40, 20, 6, white);
    const pixels = inked(canvas);
    expect(pixels.length / (Math.PI * 12 * 12)).toBeCloseTo(1, 1);
    const mean = (axis: 0 | 1): number => pixels.reduce((sum, p) => sum + p[axis], 0) / pixels.length;
    // Unit 40 is the middle of pixels 80 and 81.
    expect(mean(0)).toBeCloseTo(80.5, 5);
    expect(mean(1)).toBeCloseTo(40.5, 5);
  });

  it('mixes by alpha and multiplies by the light', () => {
    const canvas = new Canvas();
    canvas.rect(0, 0, 1, 1, [100, 100, 100]);
    canvas.light = [0.5, 1, 2];
    canvas.rect(0, 0, 1, 1, [200, 200, 200], 0.25);
    expect([...canvas.pixels.subarray(0, 3)]).toEqual([75 + 25, 75 + 50, 75 + 100]);
  });

  it('pastes another canvas under its own light', () => {
    const background = new Canvas();
    background.rect(0, 0, 84, 56, [100, 50, 20]);
    const canvas = new Canvas();
    canvas.light = [1, 2, 0.5];
    canvas.paste(background);
    expect([...canvas.pixels.subarray(0, 3)]).toEqual([100, 100, 10]);
    expect([...canvas.pixels.subarray(-3)]).toEqual([100, 100, 10]);
    expect([...background.pixels.subarray(0, 3)]).toEqual([100, 50, 20]);
  });
});
