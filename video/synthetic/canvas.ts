import { PIXELS_PER_UNIT, VIDEO_HEIGHT, VIDEO_WIDTH, type Rgb } from './world.js';

/**
 * A picture in the making: rectangles and discs in world units, composed in floating point, [height, width, 3] at video
 * size. What is drawn is multiplied by `light`, so that lamps and flames can be drawn under their own light.
 */
export class Canvas {
  readonly pixels = new Float32Array(VIDEO_HEIGHT * VIDEO_WIDTH * 3);
  light: Rgb = [1, 1, 1];

  /** Fills everything with another canvas, under this canvas's light. */
  paste(source: Canvas): void {
    const [r, g, b] = this.light;
    const from = source.pixels;
    const to = this.pixels;
    for (let p = 0; p < to.length; p += 3) {
      to[p] = from[p]! * r;
      to[p + 1] = from[p + 1]! * g;
      to[p + 2] = from[p + 2]! * b;
    }
  }

  /** A rectangle with its upper left corner at (x, y); alpha 1 covers what was there. */
  rect(x: number, y: number, width: number, height: number, colour: Rgb, alpha = 1): void {
    const left = Math.max(0, Math.round(x * PIXELS_PER_UNIT));
    const right = Math.min(VIDEO_WIDTH, Math.round((x + width) * PIXELS_PER_UNIT));
    const top = Math.max(0, Math.round(y * PIXELS_PER_UNIT));
    const bottom = Math.min(VIDEO_HEIGHT, Math.round((y + height) * PIXELS_PER_UNIT));
    for (let row = top; row < bottom; row++) this.#span(row, left, right, colour, alpha);
  }

  /** A disc around (x, y). */
  disc(x: number, y: number, radius: number, colour: Rgb, alpha = 1): void {
    // Pixel i of the video lies at unit (i - .5) / 2, so that a whole unit falls between its two pixels.
    const centre = x * PIXELS_PER_UNIT + 0.5;
    const middle = y * PIXELS_PER_UNIT + 0.5;
    const reach = radius * PIXELS_PER_UNIT;
    const top = Math.max(0, Math.ceil(middle - reach));
    const bottom = Math.min(VIDEO_HEIGHT - 1, Math.floor(middle + reach));
    for (let row = top; row <= bottom; row++) {
      const half = Math.sqrt(reach * reach - (row - middle) ** 2);
      const left = Math.max(0, Math.ceil(centre - half));
      this.#span(row, left, Math.min(VIDEO_WIDTH, Math.floor(centre + half) + 1), colour, alpha);
    }
  }

  #span(row: number, left: number, right: number, colour: Rgb, alpha: number): void {
    const pixels = this.pixels;
    const keep = 1 - alpha;
    const r = colour[0] * this.light[0] * alpha;
    const g = colour[1] * this.light[1] * alpha;
    const b = colour[2] * this.light[2] * alpha;
    for (let p = (row * VIDEO_WIDTH + left) * 3, end = (row * VIDEO_WIDTH + right) * 3; p < end; p += 3) {
      pixels[p] = pixels[p]! * keep + r;
      pixels[p + 1] = pixels[p + 1]! * keep + g;
      pixels[p + 2] = pixels[p + 2]! * keep + b;
    }
  }
}
