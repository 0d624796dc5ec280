import { describe, expect, it } from 'vitest';
import { planWindows, visionRotaryTable } from '../../policy/vision-windows.js';
import { shapeFixtures } from './shape-fixtures.js';
import { tinyConfig } from './tiny.js';

const visionOf = (patchSize: number, windowSize: number) => ({ ...tinyConfig.vision, patchSize, windowSize });

describe('planWindows', () => {
  it('cuts the windows of get_window_index, those of one size next to each other', () => {
    expect(shapeFixtures.windows.length).toBeGreaterThanOrEqual(40);
    let partial = 0;
    for (const { patchSize, windowSize, grid, index, bounds } of shapeFixtures.windows) {
      const plan = planWindows(visionOf(patchSize, windowSize), grid);
      const units = (grid.h * grid.w) / 4;
      const own: number[][] = [];
      let start = 0;
      for (const { windows, units: size } of plan.groups) {
        for (let i = 0; i < windows; i++, start += size) {
          own.push([...plan.order.subarray(start, start + size)]);
        }
      }
      expect(start).toBe(units);
      if (plan.groups.length > 1) partial++;
      // The reference repeats the windows for every temporal patch; equal bounds are windows of padding alone.
      const all = Array.from({ length: grid.t }, (_, t) =>
        own.map((window) => window.map((unit) => unit + t * units)),
      ).flat();
      const reference = bounds
        .slice(1)
        .map((end, at) => index.slice(bounds[at]! / 4, end / 4))
        .filter((window) => window.length > 0);
      const byFirst = (a: readonly number[], b: readonly number[]) => a[0]! - b[0]!;
      expect(all.sort(byFirst)).toEqual(reference.sort(byFirst));
      // No size appears in two groups, and the inverse undoes the order.
      expect(new Set(plan.groups.map((group) => group.units)).size).toBe(plan.groups.length);
      expect([...plan.order].map((unit) => plan.inverse[unit])).toEqual([...plan.order.keys()]);
      expect(plan.isIdentity).toBe([...plan.order].every((unit, at) => unit === at));
    }
    expect(partial).toBeGreaterThan(10);
  });

  it('leaves a picture within one window as it is', () => {
    const plan = planWindows(visionOf(14, 112), { h: 4, w: 8 });
    expect(plan).toMatchObject({ isIdentity: true, groups: [{ windows: 1, units: 8 }] });
  });
});

describe('visionRotaryTable', () => {
  it("turns with the row and the column of each patch, in the plan's order", () => {
    const vision = visionOf(2, 4);
    const grid = { h: 4, w: 6 };
    const plan = planWindows(vision, grid);
    const { cos, sin } = visionRotaryTable(vision, grid, plan);
    expect(cos.length).toBe(24 * 8);
    // Patch 3 of the second unit (rows 0 and 1, columns 2 and 3) stands at row 1, column 3.
    const unit = plan.inverse[1]!;
    const angles = [1, 1 / 100, 3, 3 / 100];
    [...angles, ...angles].forEach((angle, channel) => {
      const at = (unit * 4 + 3) * 8 + channel;
      expect(cos[at]).toBeCloseTo(Math.cos(angle), 6);
      expect(sin[at]).toBeCloseTo(Math.sin(angle), 6);
    });
  });
});
