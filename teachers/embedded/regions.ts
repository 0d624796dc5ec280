import { nameColour, type ColourName } from './colour.js';
import { luma, type SmallFrames } from './pixels.js';

/** Something that differs from the background in one frame. Lengths are fractions of the picture. */
export interface Region {
  /** Centre of its pixels. */
  readonly x: number;
  readonly y: number;
  /** Bounding box. */
  readonly width: number;
  readonly height: number;
  /** Share of the picture that it covers. */
  readonly area: number;
  readonly colour: ColourName;
  /** Mean colour, 0 to 255. */
  readonly rgb: readonly [number, number, number];
}

/** One frame against the background. */
export interface FrameDifference {
  /** Brightness of the frame over that of the background: 1 when the light is the same. */
  readonly gain: number;
  /** Share of the picture that differs, the change of light allowed for. */
  readonly changed: number;
  /** Share of the picture that is glaring here but not in the background. */
  readonly glare: number;
  /** The largest first, at most eight. */
  readonly regions: readonly Region[];
}

const MOST_REGIONS = 8;
/** Smallest share of the picture that counts as a thing. */
const LEAST_AREA = 0.002;
/** Sum of the differences of the three channels that is no noise. */
const LEAST_DIFFERENCE = 54;
const GLARE = 225;

/** Work space for one size of picture, so that frames do not allocate. */
export class DifferenceFinder {
  readonly #size: number;
  readonly #difference: Uint16Array;
  readonly #mask: Uint8Array;
  readonly #solid: Uint8Array;
  readonly #label: Uint8Array;
  readonly #queue: Int32Array;
  readonly #histogram = new Uint32Array(766);
  readonly #ratios: Float64Array;
  readonly #stride: number;

  constructor(
    readonly width: number,
    readonly height: number,
    readonly background: Uint8Array,
  ) {
    this.#size = width * height;
    this.#difference = new Uint16Array(this.#size);
    this.#mask = new Uint8Array(this.#size);
    this.#solid = new Uint8Array(this.#size);
    this.#label = new Uint8Array(this.#size);
    this.#queue = new Int32Array(this.#size);
    this.#stride = Math.max(1, Math.floor(this.#size / 400));
    this.#ratios = new Float64Array(Math.ceil(this.#size / this.#stride));
  }

  /** Compares frame `index` of `frames` with the background. */
  find(frames: SmallFrames, index: number): FrameDifference {
    const from = index * this.#size * 3;
    const frame = frames.pixels.subarray(from, from + this.#size * 3);
    const gain = this.#gain(frame);
    const glare = this.#differ(frame, gain);
    const threshold = Math.max(LEAST_DIFFERENCE, 6 * Math.min(15, this.#noise()));
    let changed = 0;
    for (let i = 0; i < this.#size; i++) {
      const differs = this.#difference[i]! > threshold ? 1 : 0;
      this.#mask[i] = differs;
      changed += differs;
    }
    this.#dropSpecks();
    return { gain, changed: changed / this.#size, glare, regions: this.#regions(frame) };
  }

  /** Median over a grid of pixels: things cover less than half of a picture, so they do not move it. */
  #gain(frame: Uint8Array): number {
    const ratios = this.#ratios;
    for (let i = 0, at = 0; i < this.#size; i += this.#stride, at++) {
      const k = i * 3;
      const here = luma(frame[k]!, frame[k + 1]!, frame[k + 2]!);
      const there = luma(this.background[k]!, this.background[k + 1]!, this.background[k + 2]!);
      // The offset keeps the noise of black pixels out of the ratio.
      ratios[at] = (here + 8) / (there + 8);
    }
    ratios.sort();
    return ratios[ratios.length >> 1]!;
  }

  #differ(frame: Uint8Array, gain: number): number {
    const { background } = this;
    let glare = 0;
    for (let i = 0, k = 0; i < this.#size; i++, k += 3) {
      const red = frame[k]!;
      const green = frame[k + 1]!;
      const blue = frame[k + 2]!;
      this.#difference[i] =
        Math.abs(red - Math.min(255, background[k]! * gain)) +
        Math.abs(green - Math.min(255, background[k + 1]! * gain)) +
        Math.abs(blue - Math.min(255, background[k + 2]! * gain));
      if (
        luma(red, green, blue) > GLARE &&
        luma(background[k]!, background[k + 1]!, background[k + 2]!) <= GLARE
      )
        glare++;
    }
    return glare / this.#size;
  }

  #noise(): number {
    const histogram = this.#histogram.fill(0);
    for (let i = 0; i < this.#size; i++) histogram[this.#difference[i]!]!++;
    let value = 0;
    for (let seen = histogram[0]!; seen * 2 < this.#size; seen += histogram[value]!) value++;
    return value;
  }

  /** Keeps mask pixels with at least four of nine neighbours (themselves included), and joins what is a pixel apart. */
  #dropSpecks(): void {
    const { width, height } = this;
    const mask = this.#mask;
    const solid = this.#solid.fill(0);
    const label = this.#label.fill(0);
    for (let y = 1; y < height - 1; y++) {
      for (let x = 1; x < width - 1; x++) {
        const i = y * width + x;
        if (mask[i] === 0) continue;
        const neighbours =
          mask[i - width - 1]! +
          mask[i - width]! +
          mask[i - width + 1]! +
          mask[i - 1]! +
          1 +
          mask[i + 1]! +
          mask[i + width - 1]! +
          mask[i + width]! +
          mask[i + width + 1]!;
        if (neighbours < 4) continue;
        solid[i] = 1;
        for (let dy = -width; dy <= width; dy += width)
          for (let dx = -1; dx <= 1; dx++) label[i + dy + dx] = 1;
      }
    }
  }

  /** Connected components (eight neighbours) of the joined mask; sizes and colours of the solid pixels only. */
  #regions(frame: Uint8Array): Region[] {
    const { width, height } = this;
    const label = this.#label;
    const queue = this.#queue;
    const found: Region[] = [];
    const least = Math.max(6, LEAST_AREA * this.#size);
    for (let start = 0; start < this.#size; start++) {
      if (label[start] !== 1) continue;
      label[start] = 2;
      queue[0] = start;
      let [area, sumX, sumY, red, green, blue] = [0, 0, 0, 0, 0, 0];
      let [left, right, top, bottom] = [width, 0, height, 0];
      for (let head = 0, tail = 1; head < tail; head++) {
        const i = queue[head]!;
        const x = i % width;
        const y = (i - x) / width;
        if (this.#solid[i] === 1) {
          area++;
          sumX += x;
          sumY += y;
          red += frame[i * 3]!;
          green += frame[i * 3 + 1]!;
          blue += frame[i * 3 + 2]!;
          if (x < left) left = x;
          if (x > right) right = x;
          if (y < top) top = y;
          if (y > bottom) bottom = y;
        }
        for (let dy = -1; dy <= 1; dy++) {
          if (y + dy < 0 || y + dy >= height) continue;
          for (let dx = -1; dx <= 1; dx++) {
            if (x + dx < 0 || x + dx >= width) continue;
            const next = i + dy * width + dx;
            if (label[next] !== 1) continue;
            label[next] = 2;
            queue[tail++] = next;
          }
        }
      }
      if (area < least) continue;
      const rgb = [red / area, green / area, blue / area] as const;
      found.push({
        x: (sumX / area + 0.5) / width,
        y: (sumY / area + 0.5) / height,
        width: (right - left + 1) / width,
        height: (bottom - top + 1) / height,
        area: area / this.#size,
        colour: nameColour(...rgb),
        rgb,
      });
    }
    return found.sort((a, b) => b.area - a.area).slice(0, MOST_REGIONS);
  }
}
