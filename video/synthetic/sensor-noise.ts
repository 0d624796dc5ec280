import { Random } from '../../core/random.js';
import type { Canvas } from './canvas.js';
import { PIXELS_PER_UNIT, VIDEO_HEIGHT, VIDEO_WIDTH, WORLD_HEIGHT, WORLD_WIDTH } from './world.js';

/** Standard deviation of the camera's noise per unit and channel, in grey levels. */
const SIGMA = 4;
const TABLE_SIZE = 1 << 16;

// Normal draws cost more than the whole rest of a frame; a table that each frame enters at random places does not.
const table = Float32Array.from(
  { length: TABLE_SIZE },
  (
    (random) => () =>
      SIGMA * random.normal()
  )(Random.from(0, 'sensor-noise')),
);

/**
 * Adds `flash` and the sensor's noise to a picture and rounds it to bytes, [height, width, 3] at `offset` of `out`. The
 * noise has the grain of one unit, so that it survives both the codec and the scaling down to the policy's size.
 */
export function expose(
  canvas: Canvas,
  random: Random,
  flash: number,
  out: Uint8ClampedArray,
  offset: number,
): void {
  const pixels = canvas.pixels;
  const row = VIDEO_WIDTH * 3;
  for (let y = 0; y < WORLD_HEIGHT; y++) {
    let draw = random.integer(TABLE_SIZE);
    let p = y * PIXELS_PER_UNIT * row;
    for (let x = 0; x < WORLD_WIDTH; x++) {
      for (let channel = 0; channel < 3; channel++, p++) {
        const add = flash + table[draw]!;
        draw = (draw + 1) & (TABLE_SIZE - 1);
        // The 2 x 2 pixels of the unit; the clamped array rounds.
        out[offset + p] = pixels[p]! + add;
        out[offset + p + 3] = pixels[p + 3]! + add;
        out[offset + p + row] = pixels[p + row]! + add;
        out[offset + p + row + 3] = pixels[p + row + 3]! + add;
      }
      p += 3;
    }
  }
}

/** Bytes of one frame. */
export const FRAME_BYTES = VIDEO_HEIGHT * VIDEO_WIDTH * 3;
