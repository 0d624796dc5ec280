import { deriveKey, Random, type RandomKey } from '../../core/random.js';
import { CLIP_FRAMES, frameTime, hasRoad, paintNames, WORLD_WIDTH } from './world.js';
import type { Lane, Paint, Setting } from './world.js';

/** The anomalies of this world, under the category names of Vad-Reasoning. */
export const anomalyKinds = [
  'Fire',
  'Explosion',
  'Falling',
  'Fighting',
  'Wrong-Way Driving',
  'Traffic Accidents',
  'Falling Objects',
  'Obstacles on Road',
] as const;
export type AnomalyKind = (typeof anomalyKinds)[number];

/** Harmless things that look a little like an anomaly; in 60% of the normal clips and 30% of the others. */
export const hardNormals = [
  'pause',
  'crouch',
  'talk',
  'flicker',
  'brake',
  'orange machine',
  'bird',
  'dark patch',
] as const;
export type HardNormal = (typeof hardNormals)[number];

const onRoadOnly: readonly AnomalyKind[] = ['Wrong-Way Driving', 'Traffic Accidents', 'Obstacles on Road'];
const roadSettings: readonly Setting[] = ['street', 'car park'];

export interface Pedestrian {
  /** Where the walk begins, in units, and how far it goes in one clip (negative: to the left). */
  readonly x: number;
  readonly speed: number;
  readonly paint: Paint;
  /** 0 far from the camera, 1 near. */
  readonly depth: number;
}

export interface Car {
  readonly x: number;
  /** Units in one clip, along the direction of its lane. */
  readonly speed: number;
  readonly paint: Paint;
  readonly lane: Lane;
}

export interface Anomaly {
  readonly kind: AnomalyKind;
  /** Fractions of the clip; it begins after the first frame and ends before the last. */
  readonly start: number;
  readonly end: number;
}

/** All that happens in one clip; two equal programmes render to equal pixels. */
export interface SceneProgramme {
  /** Key of the draws of the renderer (positions, flames, noise). */
  readonly key: RandomKey;
  readonly setting: Setting;
  readonly light: 'day' | 'night';
  readonly anomaly: Anomaly | null;
  /** Where the anomaly happens: 0 left, 1 centre, 2 right. */
  readonly third: 0 | 1 | 2;
  /** Which lane it happens in, where there are lanes. */
  readonly lane: Lane;
  /** Clothes or cars of the two who take part in it. */
  readonly actors: readonly [Paint, Paint];
  readonly hardNormal: { readonly kind: HardNormal; readonly start: number; readonly length: number } | null;
  readonly pedestrians: readonly Pedestrian[];
  readonly cars: readonly Car[];
}

const blockSize = 2 * anomalyKinds.length;

/**
 * What kind of clip `index` is. Blocks of sixteen clips hold each anomaly once and eight normal clips, and each pair of
 * clips one of both, in random order: even a small split has both labels, and a split of whole blocks all kinds.
 */
function kindOf(seed: number, split: string, index: number): AnomalyKind | null {
  const block = Math.floor(index / blockSize);
  const kinds = Random.from(seed, 'scene-kinds', split, block).shuffle(anomalyKinds);
  const pair = Math.floor((index % blockSize) / 2);
  const abnormalIsFirst = Random.from(seed, 'scene-label', split, block, pair).chance(0.5);
  return abnormalIsFirst === (index % 2 === 0) ? kinds[pair]! : null;
}

/** A normal clip gets the settings as often as the abnormal ones do, so that the setting says nothing about the label. */
function settingFor(random: Random, kind: AnomalyKind | null): Setting {
  if (kind !== null && onRoadOnly.includes(kind)) return random.choice(roadSettings);
  if (kind === null && random.chance(onRoadOnly.length / anomalyKinds.length))
    return random.choice(roadSettings);
  return random.choice(['street', 'corridor', 'car park'] as const);
}

/** The programme of clip `index` of a split; the same arguments give the same scene, whatever was drawn before. */
export function sceneProgramme(seed: number, split: string, index: number): SceneProgramme {
  const random = Random.from(seed, 'scene', split, index);
  const paint = (): Paint => random.choice(paintNames);
  const kind = kindOf(seed, split, index);
  const setting = settingFor(random, kind);
  const road = hasRoad(setting);

  const length = kind === 'Explosion' ? random.uniform(0.14, 0.3) : random.uniform(0.25, 0.55);
  const start = random.uniform(0.04, 0.96 - length);
  const third = random.integer(3) as 0 | 1 | 2;
  const lane = random.integer(2) as Lane;

  const possible = hardNormals.filter((h) => road || (h !== 'brake' && h !== 'dark patch'));
  const hardNormal = random.chance(kind === null ? 0.6 : 0.3)
    ? { kind: random.choice(possible), start: random.uniform(0.1, 0.4), length: random.uniform(0.25, 0.5) }
    : null;

  const pedestrian = (depth: number, directions: readonly number[]): Pedestrian => ({
    x: random.uniform(0, WORLD_WIDTH),
    speed: random.choice(directions) * random.uniform(15, 55),
    paint: paint(),
    depth,
  });
  const walkers = road ? random.integer(3) : 1 + random.integer(2);
  const pedestrians = Array.from({ length: walkers }, () => pedestrian(random.uniform(), [-1, 1]));

  let cars: Car[] = [];
  for (const each of [0, 1] as const) {
    if (road && random.chance(0.5))
      cars.push({
        x: random.uniform(0, WORLD_WIDTH),
        speed: random.uniform(50, 150),
        paint: paint(),
        lane: each,
      });
  }
  // The crashing cars need the road for themselves, and a wrong-way driver must not drive through two others.
  if (kind === 'Traffic Accidents') cars = [];
  if (kind === 'Wrong-Way Driving') cars = cars.slice(0, 1);
  if (pedestrians.length === 0 && cars.length === 0 && hardNormal === null)
    pedestrians.push(pedestrian(0.5, [1]));

  return {
    key: deriveKey(seed, 'scene-render', split, index),
    setting,
    light: random.chance(0.35) ? 'night' : 'day',
    anomaly: kind === null ? null : { kind, start, end: start + length },
    third,
    lane,
    actors: [paint(), paint()],
    hardNormal,
    pedestrians,
    cars,
  };
}

/** First frame of the anomaly and the one after its last, or null on a normal clip. */
export function anomalyFrames(programme: SceneProgramme): readonly [number, number] | null {
  if (programme.anomaly === null) return null;
  const { start, end } = programme.anomaly;
  const frames = Array.from({ length: CLIP_FRAMES }, (_, i) => i).filter(
    (i) => start <= frameTime(i) && frameTime(i) <= end,
  );
  return [frames[0]!, frames.at(-1)! + 1];
}
