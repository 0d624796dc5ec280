/** Frames that a teacher looks at, plain RGB. */
export interface TeacherInput {
  readonly width: number;
  readonly height: number;
  /** [indices.length, height, width, 3] */
  readonly pixels: Uint8Array;
  /** Which frames of the video these are, ascending. */
  readonly indices: readonly number[];
  /** Frames of the whole video. */
  readonly frameCount: number;
  readonly fps: number;
}

/** Frames small enough to be measured quickly: [count, height, width, 3]. */
export interface SmallFrames {
  readonly width: number;
  readonly height: number;
  readonly count: number;
  readonly pixels: Uint8Array;
}

/** Wider frames are averaged down by a whole factor; moving things stay far larger than a pixel. */
const MOST_WIDTH = 96;
/** Frames that the background is the median of. */
const BACKGROUND_FRAMES = 15;

/** Box-averages frames to at most 96 pixels of width; smaller ones are used as they are. */
export function shrink(input: TeacherInput): SmallFrames {
  const { width, height, pixels, indices } = input;
  const factor = Math.ceil(width / MOST_WIDTH);
  const count = indices.length;
  if (factor === 1) return { width, height, count, pixels };
  const w = Math.floor(width / factor);
  const h = Math.max(1, Math.floor(height / factor));
  const rows = Math.min(factor, height);
  const small = new Uint8Array(count * w * h * 3);
  const area = factor * rows;
  for (let f = 0, to = 0; f < count; f++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++, to += 3) {
        let red = 0;
        let green = 0;
        let blue = 0;
        for (let dy = 0; dy < rows; dy++) {
          let from = ((f * height + y * factor + dy) * width + x * factor) * 3;
          for (let dx = 0; dx < factor; dx++, from += 3) {
            red += pixels[from]!;
            green += pixels[from + 1]!;
            blue += pixels[from + 2]!;
          }
        }
        small[to] = Math.round(red / area);
        small[to + 1] = Math.round(green / area);
        small[to + 2] = Math.round(blue / area);
      }
    }
  }
  return { width: w, height: h, count, pixels: small };
}

/** The background: the median over time of every channel of every pixel, over at most 15 frames. [height, width, 3] */
export function medianBackground({ width, height, count, pixels }: SmallFrames): Uint8Array {
  const size = width * height * 3;
  const used = Math.min(count, BACKGROUND_FRAMES);
  const offsets = Array.from(
    { length: used },
    (_, i) => (used === 1 ? 0 : Math.round((i * (count - 1)) / (used - 1))) * size,
  );
  const background = new Uint8Array(size);
  const sorted = new Uint8Array(used);
  const middle = used >> 1;
  for (let at = 0; at < size; at++) {
    for (let i = 0; i < used; i++) {
      const value = pixels[offsets[i]! + at]!;
      let j = i - 1;
      while (j >= 0 && sorted[j]! > value) {
        sorted[j + 1] = sorted[j]!;
        j--;
      }
      sorted[j + 1] = value;
    }
    background[at] = sorted[middle]!;
  }
  return background;
}

/** Brightness 0 to 255 (Rec. 601 weights in whole numbers). */
export function luma(red: number, green: number, blue: number): number {
  return (77 * red + 150 * green + 29 * blue) >> 8;
}

/** Mean colour of the rows [from, to) of a picture. */
export function meanColour(
  picture: Uint8Array,
  width: number,
  from: number,
  to: number,
): [red: number, green: number, blue: number] {
  const sum = [0, 0, 0];
  for (let at = from * width * 3; at < to * width * 3; at += 3) {
    sum[0]! += picture[at]!;
    sum[1]! += picture[at + 1]!;
    sum[2]! += picture[at + 2]!;
  }
  const n = Math.max(1, (to - from) * width);
  return [sum[0]! / n, sum[1]! / n, sum[2]! / n];
}
