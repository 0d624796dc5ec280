import type { Random } from '../../core/random.js';
import { Canvas } from './canvas.js';
import { drawParkedCar } from './sprites.js';
import { paintNames, paints, WORLD_HEIGHT, WORLD_WIDTH, type Rgb, type Setting } from './world.js';

/** What never moves, in daylight: walls, windows, doors, lane marks, parked cars; colours and offsets vary by scene. */
export function drawBackground(random: Random, setting: Setting): Canvas {
  const canvas = new Canvas();
  const shade = ([r, g, b]: Rgb): Rgb => [
    r + random.uniform(-9, 9),
    g + random.uniform(-9, 9),
    b + random.uniform(-9, 9),
  ];
  const fill = (top: number, height: number, colour: Rgb): void =>
    canvas.rect(0, top, WORLD_WIDTH, height, shade(colour));
  switch (setting) {
    case 'street':
      fill(0, WORLD_HEIGHT, [95, 95, 98]);
      fill(0, 15, [130, 105, 85]);
      fill(15, 11, [160, 158, 150]);
      for (let x = random.integer(4); x < WORLD_WIDTH; x += 14) canvas.rect(x, 4, 6, 7, shade([70, 80, 100]));
      for (let x = random.integer(8); x < WORLD_WIDTH; x += 16) canvas.rect(x, 40, 8, 2, [215, 215, 205]);
      break;
    case 'corridor':
      fill(0, WORLD_HEIGHT, [150, 140, 125]);
      fill(0, 26, [190, 188, 180]);
      fill(25, 2, [110, 100, 95]);
      for (let x = 4 + random.integer(5); x < WORLD_WIDTH; x += 27)
        canvas.rect(x, 7, 10, 18, shade([120, 85, 55]));
      break;
    case 'car park':
      fill(0, WORLD_HEIGHT, [82, 84, 90]);
      for (let x = random.integer(4); x < WORLD_WIDTH; x += 18) {
        canvas.rect(x, 2, 1, 20, [205, 205, 200]);
        if (random.chance(0.3)) drawParkedCar(canvas, x + 9, 12, paints[random.choice(paintNames)]);
      }
      for (let x = 0; x < WORLD_WIDTH; x += 20) canvas.rect(x, 40, 6, 1, [190, 190, 120]);
      break;
  }
  return canvas;
}
