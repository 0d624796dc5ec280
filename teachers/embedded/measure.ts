import { nameColour, type ColourName } from './colour.js';
import { luma, meanColour, medianBackground, shrink, type TeacherInput } from './pixels.js';
import { DifferenceFinder, type FrameDifference, type Region } from './regions.js';
import { trackRegions, type Motion } from './tracking.js';

/**
 * What a frame looks like in one word. `quiet`: nothing moves; `moving`: something does; `flicker`: the light of the whole
 * picture jumps; `flash`: a part of it is suddenly glaring; `changing`: most of the picture differs (camera or cut).
 */
export const stateWords = ['quiet', 'moving', 'flicker', 'flash', 'changing'] as const;
export type StateWord = (typeof stateWords)[number];

export interface MeasuredRegion extends Region {
  /** Null in the first frame and for a region that was not there in the frame before. */
  readonly motion: Motion | null;
}

export interface MeasuredFrame {
  /** Frame index of the video. */
  readonly frame: number;
  readonly state: StateWord;
  /** Brightness over that of the background. */
  readonly gain: number;
  readonly changed: number;
  readonly regions: readonly MeasuredRegion[];
}

/** What pixels alone tell about a video. */
export interface Measurement {
  readonly scene: {
    readonly light: 'bright' | 'dim' | 'dark';
    /** Main colour of the upper third and of the lower half of the background. */
    readonly above: ColourName;
    readonly below: ColourName;
    readonly camera: 'fixed' | 'moving';
  };
  /** Height over width of the picture. */
  readonly aspect: number;
  readonly frames: readonly MeasuredFrame[];
}

/** Median share of changed pixels from which on it is the camera that moves. */
const CAMERA_MOVES = 0.3;
const MOSTLY_CHANGED = 0.45;
/** Logarithm of the gain that is another light, and of the jump that makes it a flicker. */
const OTHER_LIGHT = 0.12;
/** Share of the picture that became glaring since the frame before. */
const GLARE_SHARE = 0.05;

/**
 * Measures teacher frames: background (median over time), moving regions (difference and connected components), their
 * place, size, colour, direction and speed, and changes of light. Sees pixels only, so that no label can leak into it.
 */
export function measureFrames(input: TeacherInput): Measurement {
  const frames = shrink(input);
  const { width, height, count } = frames;
  const background = medianBackground(frames);
  const finder = new DifferenceFinder(width, height, background);
  const differences = Array.from({ length: count }, (_, i) => finder.find(frames, i));
  const camera = median(differences.map((d) => d.changed)) > CAMERA_MOVES ? 'moving' : 'fixed';
  const logGains = differences.map((d) => Math.log(d.gain));
  let before: readonly Region[] = [];
  const measured = differences.map((difference, i): MeasuredFrame => {
    const frame = input.indices[i]!;
    const seconds = i === 0 ? 1 : (frame - input.indices[i - 1]!) / input.fps;
    const motions = trackRegions(before, difference.regions, height / width, seconds);
    before = difference.regions;
    const regions = difference.regions.map((region, k) => ({ ...region, motion: motions[k]! }));
    return {
      frame,
      state: stateOf(difference, differences[i - 1]?.glare ?? difference.glare, regions, logGains, i, camera),
      gain: difference.gain,
      changed: difference.changed,
      regions,
    };
  });
  const brightness = luma(...meanColour(background, width, 0, height));
  return {
    scene: {
      light: brightness >= 95 ? 'bright' : brightness >= 60 ? 'dim' : 'dark',
      above: nameColour(...meanColour(background, width, 0, Math.ceil(height / 3))),
      below: nameColour(...meanColour(background, width, height >> 1, height)),
      camera,
    },
    aspect: height / width,
    frames: measured,
  };
}

function stateOf(
  difference: FrameDifference,
  glareBefore: number,
  regions: readonly MeasuredRegion[],
  logGains: readonly number[],
  i: number,
  camera: 'fixed' | 'moving',
): StateWord {
  const here = logGains[i]!;
  const jumps = [logGains[i - 1], logGains[i + 1]].some(
    (other) => other !== undefined && Math.abs(here - other) > OTHER_LIGHT,
  );
  if (camera === 'moving' || difference.changed > MOSTLY_CHANGED) return 'changing';
  if (Math.abs(here) > OTHER_LIGHT && jumps) return 'flicker';
  if (difference.glare - glareBefore > GLARE_SHARE) return 'flash';
  const moves = regions.some(({ motion }) => motion === null || motion.direction !== 'still');
  return moves ? 'moving' : 'quiet';
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
