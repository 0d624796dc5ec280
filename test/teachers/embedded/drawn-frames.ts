import { deriveKey, uniformAt } from '../../../core/random.js';
import type { TeacherInput } from '../../../teachers/embedded/pixels.js';

/** Sensor noise, repeated with a period that no picture width shares. */
const noiseKey = deriveKey(1, 'noise');
const noise = Array.from({ length: 4099 }, (_, i) => 12 * uniformAt(noiseKey, i) - 6);

export type Rgb = readonly [number, number, number];

/** A rectangle in one frame, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: Rgb;
}

/**
 * Frames of a fixed scene, drawn: grey with sensor noise, boxes on it, light times `gain`.
 *
 * @param boxes what stands in frame i
 */
export function drawnFrames(
  count: number,
  boxes: (i: number) => readonly Box[],
  more: {
    readonly width?: number;
    readonly height?: number;
    readonly fps?: number;
    readonly every?: number;
    readonly background?: Rgb | ((x: number, y: number, i: number) => Rgb);
    readonly gain?: (i: number) => number;
  } = {},
): TeacherInput {
  const { width = 84, height = 56, fps = 8, every = 2, background = [110, 110, 110], gain = () => 1 } = more;
  const pixels = new Uint8Array(count * width * height * 3);
  for (let i = 0, at = 0; i < count; i++) {
    const inFrame = boxes(i);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const box = inFrame.findLast((b) => x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + b.height);
        const colour = box?.colour ?? (typeof background === 'function' ? background(x, y, i) : background);
        for (const channel of colour) {
          pixels[at] = Math.max(0, Math.min(255, channel * gain(i) + noise[at % noise.length]!));
          at++;
        }
      }
    }
  }
  return {
    width,
    height,
    pixels,
    indices: Array.from({ length: count }, (_, i) => i * every),
    frameCount: count * every,
    fps,
  };
}

export const red: Rgb = [200, 30, 30];
export const blue: Rgb = [40, 70, 200];
