import { expect, it } from 'vitest';
import { dataShare } from '../../training/data-share.js';

const items = Array.from({ length: 40 }, (_, index) => `clip-${index}`);
const share = (part: number, seed = 1) => dataShare(items, (id) => id, part, seed);

it('keeps the asked share, in order, and all of it at 1', () => {
  expect(share(0.5)).toHaveLength(20);
  expect(share(0.25)).toHaveLength(10);
  expect(share(1)).toEqual(items);
  const half = share(0.5);
  expect(items.filter((id) => half.includes(id))).toEqual(half);
});

it('holds a smaller share inside a larger one', () => {
  const half = share(0.5);
  expect(share(0.25).every((id) => half.includes(id))).toBe(true);
});

it('follows from seed and id alone', () => {
  expect(share(0.5, 2)).not.toEqual(share(0.5));
  const turned = dataShare([...items].reverse(), (id) => id, 0.5, 1);
  expect([...turned].sort()).toEqual([...share(0.5)].sort());
});

it('never leaves nothing', () => {
  expect(share(0.001)).toHaveLength(1);
  expect(dataShare([], String, 0.5, 1)).toEqual([]);
});
