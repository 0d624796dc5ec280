import { Random } from '../../core/random.js';
import { drawAnomaly } from './anomalies/draw-anomaly.js';
import { blastFlash } from './anomalies/explosion.js';
import { drawBackground } from './background.js';
import { Canvas } from './canvas.js';
import { drawHardNormal, drawStandingHardNormal, hardNormalActive } from './hard-normals.js';
import type { Glow, Layout, Moment } from './moment.js';
import { drawPassersBy } from './passers-by.js';
import type { SceneProgramme } from './programme.js';
import { expose, FRAME_BYTES } from './sensor-noise.js';
import {
  CLIP_FRAMES,
  frameTime,
  hasRoad,
  laneY,
  paintNames,
  paints,
  walkingLine,
  WORLD_WIDTH,
  type Rgb,
} from './world.js';

function layOut(random: Random, programme: SceneProgramme): Layout {
  const paint = (): Rgb => paints[random.choice(paintNames)];
  return {
    x: ((programme.third + 0.5) * WORLD_WIDTH) / 3 + random.uniform(-3, 3),
    openGround: hasRoad(programme.setting) ? laneY[programme.lane] + 4 : 46,
    walkGround: walkingLine(programme.setting, 0.6),
    direction: random.choice([-1, 1] as const),
    colours: [paints[programme.actors[0]], paints[programme.actors[1]]],
    pieces: Array.from({ length: 4 }, () => [random.uniform(-7, 7), random.uniform(-7, 7)] as const),
    hardX: random.uniform(10, WORLD_WIDTH - 10),
    hardColours: [paint(), paint()],
  };
}

const scaled = ([r, g, b]: Rgb, factor: number): Rgb => [r * factor, g * factor, b * factor];

/** Renders a programme: RGB bytes, [32 frames, 112, 168, 3]. */
export function renderScene(programme: SceneProgramme): Uint8Array {
  const random = new Random(programme.key);
  const background = drawBackground(random, programme.setting);
  const layout = layOut(random, programme);
  drawStandingHardNormal(background, programme, layout);
  const ambient: Rgb =
    programme.light === 'day'
      ? scaled([1, 1, 1], random.uniform(0.85, 1.1))
      : scaled([0.9, 0.95, 1.2], random.uniform(0.58, 0.7));

  const canvas = new Canvas();
  const video = new Uint8ClampedArray(CLIP_FRAMES * FRAME_BYTES);
  for (let frame = 0; frame < CLIP_FRAMES; frame++) {
    const time = frameTime(frame);
    const flickers =
      programme.hardNormal?.kind === 'flicker' && hardNormalActive(programme, time) && random.chance(0.5);
    canvas.light = flickers ? scaled(ambient, random.choice([0.6, 1.45])) : ambient;
    canvas.paste(background);
    const glows: Glow[] = [];
    const moment: Moment = { canvas, random, programme, layout, frame, time, glows };
    drawPassersBy(moment);
    drawHardNormal(moment);
    let flash = 0;
    if (programme.anomaly !== null) {
      const { anomaly } = programme;
      const active = anomaly.start <= time && time <= anomaly.end;
      const progress = active ? (time - anomaly.start) / (anomaly.end - anomaly.start) : -1;
      drawAnomaly({ ...moment, anomaly, active, progress });
      if (anomaly.kind === 'Explosion') flash = blastFlash(active, progress);
    }
    canvas.light = [1, 1, 1];
    for (const { x, y, radius, colour, alpha } of glows) canvas.disc(x, y, radius, colour, alpha);
    expose(canvas, random, flash, video, frame * FRAME_BYTES);
  }
  return new Uint8Array(video.buffer);
}
