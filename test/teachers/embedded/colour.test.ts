import { expect, it } from 'vitest';
import { nameColour } from '../../../teachers/embedded/colour.js';

it.each<[string, [number, number, number]]>([
  ['black', [0, 0, 0]],
  ['black', [25, 25, 30]],
  ['grey', [95, 95, 98]],
  ['white', [225, 225, 225]],
  ['white', [255, 250, 240]],
  ['red', [190, 40, 40]],
  ['red', [255, 0, 60]],
  ['brown', [150, 95, 40]],
  ['orange', [255, 120, 20]],
  ['yellow', [215, 195, 50]],
  ['green', [40, 140, 60]],
  ['blue', [40, 70, 190]],
  ['purple', [150, 40, 190]],
  // Grey at night has a bluish cast and stays grey.
  ['grey', [86, 90, 114]],
])('%s', (name, rgb) => {
  expect(nameColour(...rgb)).toBe(name);
});
