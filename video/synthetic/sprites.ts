import type { Canvas } from './canvas.js';
import type { Rgb } from './world.js';

const skin: Rgb = [235, 190, 155];
const trousers: Rgb = [40, 40, 55];
const glass: Rgb = [60, 70, 85];
const tyre: Rgb = [15, 15, 15];
const headlamp: Rgb = [255, 250, 200];
const tailLamp: Rgb = [150, 10, 10];
const brakeLamp: Rgb = [255, 20, 20];

export interface CarState {
  readonly braking?: boolean;
  /** The body shifted against the wheels, in units: a crashed car. */
  readonly tilt?: number;
}

/** A car seen from the side, 26 x 14 units around (x, y); headlamp and beam show which way it faces (-1 left, 1 right). */
export function drawCar(
  canvas: Canvas,
  x: number,
  y: number,
  colour: Rgb,
  facing: number,
  { braking = false, tilt = 0 }: CarState = {},
): void {
  const right = facing > 0;
  canvas.rect(x - 13, y - 5 + tilt, 26, 9, colour);
  canvas.rect(x - 7, y - 9 + tilt, 14, 5, glass);
  canvas.rect(x - 10, y + 3, 6, 3, tyre);
  canvas.rect(x + 4, y + 3, 6, 3, tyre);
  canvas.rect(right ? x + 10 : x - 13, y - 3 + tilt, 3, 4, headlamp);
  canvas.rect(right ? x + 13 : x - 23, y - 4 + tilt, 10, 5, headlamp, 0.55);
  canvas.rect(right ? x - 13 : x + 11, y - 3 + tilt, 2, 4, braking ? brakeLamp : tailLamp);
}

/** A parked car seen from above, 10 x 16 units around (x, y). */
export function drawParkedCar(canvas: Canvas, x: number, y: number, colour: Rgb): void {
  canvas.rect(x - 5, y - 8, 10, 16, colour);
  canvas.rect(x - 4, y - 3, 8, 5, glass);
}

export type Pose = 'stand' | 'walk' | 'crouch' | 'lie';
const strides = [0, 1.5, 3, 1.5] as const;

/** A person whose feet are at (x, y), about 19 units tall; `step` counts the steps of a walk. */
export function drawPerson(canvas: Canvas, x: number, y: number, colour: Rgb, pose: Pose, step = 0): void {
  if (pose === 'lie') {
    canvas.rect(x - 10, y - 6, 14, 6, colour);
    canvas.disc(x + 7, y - 3, 3, skin);
    canvas.rect(x - 14, y - 4, 5, 4, trousers);
    return;
  }
  const height = pose === 'crouch' ? 8 : 14;
  canvas.rect(x - 3, y - height, 6, height - 4, colour);
  canvas.disc(x, y - height - 2, 2.6, skin);
  const stride = pose === 'walk' ? strides[step % 4]! : 1;
  canvas.rect(x - 2.5 - stride / 2, y - 4, 2.4, 4, trousers);
  canvas.rect(x + 0.1 + stride / 2, y - 4, 2.4, 4, trousers);
}
