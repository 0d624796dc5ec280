import type { Moment } from './moment.js';
import { drawCar, drawPerson } from './sprites.js';
import { laneDirection, laneY, paints, walkingLine, WORLD_WIDTH } from './world.js';

/** Position on a path that begins and ends `margin` units outside the picture, and starts over. */
function around(x: number, margin: number): number {
  const path = WORLD_WIDTH + 2 * margin;
  return ((((x + margin) % path) + path) % path) - margin;
}

/** The people who walk by and the cars that drive by, in one frame. */
export function drawPassersBy({ canvas, programme, frame, time }: Moment): void {
  for (const { x, speed, depth, paint } of programme.pedestrians) {
    const ground = walkingLine(programme.setting, depth);
    drawPerson(canvas, around(x + speed * time, 10), ground, paints[paint], 'walk', Math.floor(frame / 2));
  }
  for (const { x, speed, lane, paint } of programme.cars) {
    const direction = laneDirection[lane];
    drawCar(canvas, around(x + direction * speed * time, 15), laneY[lane], paints[paint], direction);
  }
}
