/**
 * The fixed-camera world: its measures are in units of a 84 x 56 picture, which is what a small policy sees; the videos
 * are rendered at twice that, so that the halved chroma of 4:2:0 video still has one sample per unit.
 */

/** Width and height of the world in units. */
export const WORLD_WIDTH = 84;
export const WORLD_HEIGHT = 56;
/** Video pixels per unit. */
export const PIXELS_PER_UNIT = 2;
export const VIDEO_WIDTH = WORLD_WIDTH * PIXELS_PER_UNIT;
export const VIDEO_HEIGHT = WORLD_HEIGHT * PIXELS_PER_UNIT;
/** Frames of a clip and their rate: four seconds. */
export const CLIP_FRAMES = 32;
export const CLIP_FPS = 8;

export const settings = ['street', 'corridor', 'car park'] as const;
/** What the camera looks at. */
export type Setting = (typeof settings)[number];

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export const paints = {
  red: [190, 40, 40],
  blue: [40, 70, 190],
  green: [40, 140, 60],
  white: [225, 225, 225],
  black: [25, 25, 30],
  yellow: [215, 195, 50],
} as const satisfies Record<string, Rgb>;
/** Colour of a car or of someone's clothes. */
export type Paint = keyof typeof paints;
export const paintNames = Object.keys(paints) as Paint[];

/** 0 is the upper lane, which drives left; 1 is the lower lane, which drives right. */
export type Lane = 0 | 1;
/** Vertical centre of the cars in each lane. */
export const laneY: readonly [number, number] = [34, 49];
/** Direction of travel in each lane: -1 left, 1 right. */
export const laneDirection: readonly [-1, 1] = [-1, 1];

/** Whether the setting has lanes and cars. */
export function hasRoad(setting: Setting): boolean {
  return setting !== 'corridor';
}

/** The line on which people walk: y of their feet; depth 0 is far from the camera, 1 is near. */
export function walkingLine(setting: Setting, depth: number): number {
  switch (setting) {
    case 'street':
      return 24 + 1.5 * depth;
    case 'corridor':
      return 36 + 16 * depth;
    case 'car park':
      return 28 + 3 * depth;
  }
}

/** Time of a frame as a fraction of the clip: the middle of the frame. */
export function frameTime(frame: number): number {
  return (frame + 0.5) / CLIP_FRAMES;
}
