import type { Canvas } from './canvas.js';
import type { Layout, Moment } from './moment.js';
import type { SceneProgramme } from './programme.js';
import { drawCar, drawPerson } from './sprites.js';
import { laneDirection, laneY, WORLD_WIDTH, type Lane } from './world.js';

const otherLane = (lane: Lane): Lane => (lane === 0 ? 1 : 0);

/** Whether the harmless event is going on at this time (fraction of the clip). */
export function hardNormalActive({ hardNormal }: SceneProgramme, time: number): boolean {
  return hardNormal !== null && hardNormal.start <= time && time <= hardNormal.start + hardNormal.length;
}

/** The harmless things that stand still: a dark patch painted on the lane, an orange machine at the wall. */
export function drawStandingHardNormal(canvas: Canvas, programme: SceneProgramme, layout: Layout): void {
  const x = layout.hardX;
  if (programme.hardNormal?.kind === 'dark patch') {
    canvas.rect(x - 9, laneY[otherLane(programme.lane)] - 3, 18, 8, [60, 60, 64]);
  }
  if (programme.hardNormal?.kind === 'orange machine') {
    canvas.rect(x - 5, layout.walkGround - 18, 10, 16, [225, 120, 30]);
    canvas.rect(x - 4, layout.walkGround - 16, 8, 6, [250, 190, 60]);
  }
}

/** The harmless things that move, in one frame. The flicker of the lights belongs to the light of the frame. */
export function drawHardNormal({ canvas, programme, layout, frame, time }: Moment): void {
  const { hardNormal, lane } = programme;
  if (hardNormal === null) return;
  const active = hardNormalActive(programme, time);
  // Who pauses stands still during the event and goes on from the same place after it.
  const away = active ? 0 : time - hardNormal.start - (time < hardNormal.start ? 0 : hardNormal.length);
  const { hardX: x, walkGround: ground, hardColours: colours } = layout;
  switch (hardNormal.kind) {
    case 'pause':
    case 'crouch': {
      const pose = !active ? 'walk' : hardNormal.kind === 'crouch' ? 'crouch' : 'stand';
      const path = WORLD_WIDTH + 20;
      const at = (((x + 45 * layout.direction * away + 10) % path) + path) % path;
      drawPerson(canvas, at - 10, ground, colours[0], pose, Math.floor(frame / 2));
      break;
    }
    case 'talk':
      drawPerson(canvas, x - 5, ground, colours[0], 'stand');
      drawPerson(canvas, x + 5, ground, colours[1], 'stand');
      break;
    case 'brake': {
      const other = otherLane(lane);
      const direction = laneDirection[other];
      drawCar(canvas, x + direction * 110 * away, laneY[other], colours[0], direction, { braking: active });
      break;
    }
    case 'bird':
      canvas.disc(((x + 90 * time) % (WORLD_WIDTH + 8)) - 4, 5 + 3 * Math.sin(9 * time), 2.5, [30, 30, 30]);
      break;
    case 'flicker':
    case 'orange machine':
    case 'dark patch':
      break;
  }
}
