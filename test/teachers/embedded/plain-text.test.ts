import { expect, it } from 'vitest';
import { placeText, plainText } from '../../../teachers/embedded/plain-text.js';

it.each([
  ['A box drops from above, and breaks.', 'a box drops from above , and breaks'],
  ['  The well-known  MAN\u200b runs!! ', 'the well-known man runs'],
  ['a <which> tag </which> and [0.1]', 'a which tag / which and 0.1'],
  ["a driver's door at 1.5 m", "a driver's door at 1.5 m"],
  ['人在跑', '人在跑'],
  ['...', ''],
])('%s', (written, plain) => {
  expect(plainText(written)).toBe(plain);
});

it('cuts long text at a word', () => {
  expect(plainText(Array.from({ length: 60 }, (_, i) => `w${i}`).join(' '), 24).split(' ')).toHaveLength(24);
  expect(plainText('one , two', 2)).toBe('one');
});

it.each([
  ['left', 'on the left'],
  ['the right', 'on the right'],
  ['Centre', 'in the centre'],
  ['on the left', 'on the left'],
  ['in the upper lane', 'in the upper lane'],
  ['Lower-left portion of the frame', 'at the lower-left portion of the frame'],
  ['the bus stop.', 'at the bus stop'],
  ['!', 'in the picture'],
])('place %s', (written, place) => {
  expect(placeText(written)).toBe(place);
});
