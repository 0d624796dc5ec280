import { expect, test } from 'vitest';
import { age, duration, timeLeft } from '../../../cli/render/duration.js';

test('durations have the units that people say', () => {
  expect([0, 0.44, 9.94, 9.96, 59.4, 59.6, 185, 3599, 7800, 86_399, 100_000].map(duration))
    .toMatchInlineSnapshot(`
    [
      "0.0 s",
      "0.4 s",
      "9.9 s",
      "10 s",
      "59 s",
      "1 min 00 s",
      "3 min 05 s",
      "59 min 59 s",
      "2 h 10 min",
      "1 d 0 h",
      "1 d 4 h",
    ]
  `);
});

test('ages have one unit', () => {
  expect([-1, 0, 59, 60, 3599, 3600, 100_000, 200_000].map(age)).toEqual([
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '27 h',
    '2 d',
  ]);
});

test('what is left is said as roughly as it is known', () => {
  const said = [0, 7.9, 8, 34, 55, 95, 3569, 3570, 4700, 7300, 90_000].map(timeLeft);
  expect(said).toEqual([
    'a few seconds left',
    'a few seconds left',
    'about 10 s left',
    'about 30 s left',
    'about 1 min left',
    'about 2 min left',
    'about 59 min left',
    'about 1 h left',
    'about 1 h 20 min left',
    'about 2 h left',
    'about 25 h left',
  ]);
});
