import { z } from 'zod';
import { colourNames } from './colour.js';
import {
  measureFrames,
  stateWords,
  type MeasuredFrame,
  type MeasuredRegion,
  type Measurement,
} from './measure.js';
import type { TeacherInput } from './pixels.js';

const Thing = z.strictObject({
  /** Centre, as fractions of the picture. */
  x: z.number(),
  y: z.number(),
  /** Share of the picture. */
  area: z.number(),
  colour: z.enum(colourNames),
  /** Since the frame before; null when it was not there. */
  direction: z.enum(['left', 'right', 'up', 'down', 'still']).nullable(),
  /** Picture widths per second. */
  speed: z.number(),
});

const FrameCaption = z.strictObject({
  /** Frame index of the video. */
  frame: z.int().min(0),
  state: z.enum(stateWords),
  things: z.array(Thing),
  /** The caption: one or more sentences, words and punctuation apart by single spaces. */
  text: z.string(),
});

/** The captions of one video. Written by the `captions` stage, one JSON line each. */
export const CaptionRecord = z.strictObject({
  sampleId: z.string(),
  frameCount: z.int().min(1),
  scene: z.strictObject({
    light: z.enum(['bright', 'dim', 'dark']),
    above: z.enum(colourNames),
    below: z.enum(colourNames),
    camera: z.enum(['fixed', 'moving']),
  }),
  frames: z.array(FrameCaption).min(1),
});
export type CaptionRecord = z.infer<typeof CaptionRecord>;
export type FrameCaption = z.infer<typeof FrameCaption>;
export type Thing = z.infer<typeof Thing>;

/** What the scene looks like without anything that moves, without an article. */
export function sceneWords(scene: Measurement['scene']): string {
  return `${scene.light} scene , ${scene.above} above and ${scene.below} below`;
}

/** `no things`, `one thing`, `two things`, `several things`. */
export function countThings(count: number): string {
  if (count <= 0) return 'no things';
  return ['one thing', 'two things'][count - 1] ?? 'several things';
}

/** Column of a centre: `on the left`, `in the centre`, `on the right`. */
export function columnOf(x: number): string {
  return x < 1 / 3 ? 'on the left' : x < 2 / 3 ? 'in the centre' : 'on the right';
}

function describeThing(
  { area, height, width, colour, x, y, motion }: MeasuredRegion,
  aspect: number,
): string {
  const size = area < 0.01 ? 'small' : area < 0.05 ? 'medium' : 'large';
  const slenderness = (height / width) * aspect;
  const shape = slenderness > 1.4 ? 'tall' : slenderness < 0.7 ? 'wide' : 'compact';
  const row = y < 1 / 3 ? 'upper' : y < 2 / 3 ? 'middle' : 'lower';
  const place = `${columnOf(x)} in the ${row} part`;
  return `a ${size} ${shape} ${colour} thing ${place} ${describeMotion(motion)}`;
}

function describeMotion(motion: MeasuredRegion['motion']): string {
  if (motion === null) return 'appears';
  if (motion.direction === 'still') return 'stays';
  const pace = motion.speed < 0.1 ? 'slowly' : motion.speed < 0.35 ? 'steadily' : 'fast';
  return `moves ${motion.direction} ${pace}`;
}

const lightWords: Readonly<Record<'flicker' | 'flash' | 'changing', string>> = {
  flicker: 'the light jumps',
  flash: 'a part of the picture is glaring',
  changing: 'most of the picture changes',
};

function captionFrame(frame: MeasuredFrame, { scene, aspect }: Measurement): string {
  const sentences = [`a ${scene.camera} camera shows a ${sceneWords(scene)}`];
  if (frame.state !== 'quiet' && frame.state !== 'moving') sentences.push(lightWords[frame.state]);
  // Against a moving camera, differences from the background are not things.
  if (scene.camera === 'fixed') {
    sentences.push(`${countThings(frame.regions.length)} can be seen`);
    sentences.push(...frame.regions.slice(0, 4).map((region) => describeThing(region, aspect)));
  }
  return sentences.map((sentence) => `${sentence} .`).join(' ');
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** A dense caption for every teacher frame. Its input holds no label, so that none can be in the text. */
export function captionVideo(sampleId: string, input: TeacherInput): CaptionRecord {
  const measurement = measureFrames(input);
  const { scene, frames } = measurement;
  return {
    sampleId,
    frameCount: input.frameCount,
    scene,
    frames: frames.map((frame) => ({
      frame: frame.frame,
      state: frame.state,
      things: frame.regions.map(({ x, y, area, colour, motion }) => ({
        x: round(x),
        y: round(y),
        area: round(area),
        colour,
        direction: motion?.direction ?? null,
        speed: round(motion?.speed ?? 0),
      })),
      text: captionFrame(frame, measurement),
    })),
  };
}
