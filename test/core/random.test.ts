import { describe, expect, it } from 'vitest';
import { deriveKey, philox, Random, uniformAt } from '../../core/random.js';

describe('philox', () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'],
    ],
  ] as const)('matches the known answer for counter %j', (counter, key, expected) => {
    expect(philox(counter, key).map((word) => word.toString(16).padStart(8, '0'))).toEqual(expected);
  });
});

describe('deriveKey', () => {
  it('depends on every part and on their order', () => {
    const keys = [
      deriveKey(1, 'a', 'b'),
      deriveKey(1, 'b', 'a'),
      deriveKey(2, 'a', 'b'),
      deriveKey(1, 'ab'),
      deriveKey(1, 'a', 'b', 0),
    ];
    expect(new Set(keys.map(String)).size).toBe(keys.length);
    expect(deriveKey(1, 'a', 'b')).toEqual(keys[0]);
  });
});

describe('Random', () => {
  it('gives by position what it gives in order', () => {
    const random = Random.from(7, 'stream');
    const inOrder = Array.from({ length: 10 }, () => random.uniform());
    expect(inOrder).toEqual(inOrder.map((_, i) => uniformAt(deriveKey(7, 'stream'), i)));
  });

  it('is uniform and normal enough', () => {
    const random = Random.from(3, 'moments');
    const n = 20000;
    const uniforms = Array.from({ length: n }, () => random.uniform());
    const normals = Array.from({ length: n }, () => random.normal());
    const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
    expect(mean(uniforms)).toBeCloseTo(0.5, 1);
    expect(mean(normals)).toBeCloseTo(0, 1);
    expect(mean(normals.map((x) => x * x))).toBeCloseTo(1, 1);
  });

  it('shuffles without losing members and refuses an empty choice', () => {
    const list = [1, 2, 3, 4, 5, 6];
    const shuffled = Random.from(1, 's').shuffle(list);
    expect([...shuffled].sort()).toEqual(list);
    expect(list).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => Random.from(1).choice([])).toThrow(RangeError);
  });
});
