import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import {
  coveredLength,
  hull,
  intersectionLength,
  intervalIoU,
  longest,
  targetOf,
  union,
} from '../../datasets/interval.js';
import type { Span } from '../../datasets/sample.js';

describe('union', () => {
  it('sorts, merges overlapping and touching spans, and keeps its input', () => {
    const spans: Span[] = [
      [0.5, 0.6],
      [0.1, 0.3],
      [0.3, 0.4],
      [0.15, 0.2],
    ];
    expect(union(spans)).toEqual([
      [0.1, 0.4],
      [0.5, 0.6],
    ]);
    expect(spans[1]).toEqual([0.1, 0.3]);
    expect(union([])).toEqual([]);
  });
});

describe('lengths', () => {
  it('count what overlaps once', () => {
    expect(
      coveredLength([
        [0, 0.5],
        [0.25, 0.75],
      ]),
    ).toBeCloseTo(0.75);
    expect(
      intersectionLength(
        [
          [0, 0.25],
          [0.5, 1],
        ],
        [[0.125, 0.625]],
      ),
    ).toBeCloseTo(0.25);
    expect(intersectionLength([[0, 0.5]], [[0.5, 1]])).toBe(0);
  });

  it('agree with a count over a fine grid', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = Random.from(seed, 'interval');
      const draw = (): Span[] =>
        Array.from({ length: random.integer(5) }, () => {
          const start = random.integer(90);
          return [start / 100, (start + 1 + random.integer(100 - start)) / 100];
        });
      const [a, b] = [draw(), draw()];
      const inside = (spans: Span[], i: number): boolean =>
        spans.some(([s, e]) => (i + 0.5) / 100 > s && (i + 0.5) / 100 < e);
      const cells = Array.from({ length: 100 }, (_, i) => i);
      expect(coveredLength(a)).toBeCloseTo(cells.filter((i) => inside(a, i)).length / 100);
      expect(intersectionLength(a, b)).toBeCloseTo(
        cells.filter((i) => inside(a, i) && inside(b, i)).length / 100,
      );
    }
  });
});

describe('targetOf', () => {
  it('takes the only span, also when it is annotated in pieces that touch', () => {
    expect(targetOf([[0.2, 0.4]])).toEqual({ span: [0.2, 0.4], from: 'single' });
    expect(
      targetOf([
        [0.2, 0.4],
        [0.4, 0.5],
      ]),
    ).toEqual({ span: [0.2, 0.5], from: 'single' });
    expect(targetOf([])).toBeNull();
  });

  it('takes the hull when the spans fill half of it, else the longest', () => {
    expect(
      targetOf([
        [0.1, 0.2],
        [0.3, 0.4],
      ]),
    ).toMatchObject({ span: [0.1, 0.4], from: 'hull' });
    expect(
      targetOf([
        [0, 0.1],
        [0.35, 0.4],
      ]),
    ).toEqual({ span: [0, 0.1], from: 'longest' });
    expect(
      targetOf([
        [0, 0.125],
        [0.375, 0.5],
      ])?.from,
    ).toBe('hull');
    expect(
      targetOf([
        [0, 0.1],
        [0.8, 1],
      ])?.span,
    ).toEqual([0.8, 1]);
  });
});

describe('hull and longest', () => {
  it('are null without spans, and the longest is the first of equals', () => {
    expect(hull([])).toBeNull();
    expect(longest([])).toBeNull();
    expect(
      longest([
        [0.5, 0.75],
        [0, 0.25],
      ]),
    ).toEqual([0, 0.25]);
  });
});

describe('intervalIoU', () => {
  it('is 1 when both are empty and 0 when one is', () => {
    expect(intervalIoU(null, [])).toBe(1);
    expect(intervalIoU([0, 1], [])).toBe(0);
    expect(intervalIoU(null, [[0, 1]])).toBe(0);
  });

  it('divides by the union, not by the hull', () => {
    expect(intervalIoU([0, 0.5], [[0.25, 0.75]])).toBeCloseTo(1 / 3);
    expect(intervalIoU([0, 0.1], [[0.9, 1]])).toBe(0);
    expect(
      intervalIoU(
        [0, 1],
        [
          [0, 0.25],
          [0.75, 1],
        ],
      ),
    ).toBeCloseTo(0.5);
    expect(intervalIoU([0.3, 0.3], [[0.3, 0.3]])).toBe(0);
    expect(intervalIoU([0.125, 0.5], [[0.125, 0.5]])).toBe(1);
  });
});
