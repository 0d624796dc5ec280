import type { Random } from '../../core/random.js';
import type { Canvas } from './canvas.js';
import type { Anomaly, SceneProgramme } from './programme.js';
import type { Rgb } from './world.js';

/** A light of its own (flame, blast), drawn last so that night does not dim it. */
export interface Glow {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Rgb;
  readonly alpha: number;
}

/** Where things are in one clip: drawn once, before its first frame. */
export interface Layout {
  /** Where the anomaly is: x, the ground line in the open (a lane, or the corridor's floor), and the walking line. */
  readonly x: number;
  readonly openGround: number;
  readonly walkGround: number;
  /** Which way its people walk. */
  readonly direction: -1 | 1;
  readonly colours: readonly [Rgb, Rgb];
  /** Where four broken pieces lie, relative to x and the ground. */
  readonly pieces: readonly (readonly [number, number])[];
  /** The harmless event: where, and the colours of who takes part. */
  readonly hardX: number;
  readonly hardColours: readonly [Rgb, Rgb];
}

/** One frame of a clip while it is being drawn. */
export interface Moment {
  readonly canvas: Canvas;
  readonly random: Random;
  readonly programme: SceneProgramme;
  readonly layout: Layout;
  /** Frame index, and its time as a fraction of the clip. */
  readonly frame: number;
  readonly time: number;
  /** Filled by whoever shines. */
  readonly glows: Glow[];
}

/** One frame of the anomaly's clip, before, during or after it. */
export interface AnomalyMoment extends Moment {
  readonly anomaly: Anomaly;
  /** Whether it is going on, and how far it is (0 to 1; -1 when it is not going on). */
  readonly active: boolean;
  readonly progress: number;
}

/** Time to or since the anomaly: negative before it, 0 during it, positive after it (fractions of the clip). */
export function timeAway({ anomaly, active, time }: AnomalyMoment): number {
  if (active) return 0;
  return time < anomaly.start ? time - anomaly.start : time - anomaly.end;
}
