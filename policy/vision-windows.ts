import type { PolicyConfig } from './config.js';
import type { Grid } from './processor.js';

/** Rows and columns of patches of one temporal patch. */
export type PatchGrid = Pick<Grid, 'h' | 'w'>;

/**
 * How one temporal patch is cut into attention windows. A unit is a block of merged patches, the smallest thing that
 * moves. Windows at the right and lower edge may be partial; units are reordered so that windows of equal size lie
 * one after the other and attend as one batch.
 */
export interface WindowPlan {
  /** New position to old unit, row by row. */
  readonly order: Int32Array;
  /** Old unit to new position. */
  readonly inverse: Int32Array;
  readonly isIdentity: boolean;
  /** In the new order: `windows` windows of `units` units each. */
  readonly groups: readonly { readonly windows: number; readonly units: number }[];
}

/** Windows of one temporal patch (transformers 4.57.6 `get_window_index`, which repeats them for every one). */
export function planWindows(vision: PolicyConfig['vision'], grid: PatchGrid): WindowPlan {
  const [rows, columns] = [grid.h / vision.spatialMergeSize, grid.w / vision.spatialMergeSize];
  const side = Math.floor(vision.windowSize / vision.spatialMergeSize / vision.patchSize);
  const bySize = new Map<number, number[][]>();
  for (let top = 0; top < rows; top += side) {
    for (let left = 0; left < columns; left += side) {
      const window: number[] = [];
      for (let y = top; y < Math.min(top + side, rows); y++) {
        for (let x = left; x < Math.min(left + side, columns); x++) window.push(y * columns + x);
      }
      bySize.set(window.length, [...(bySize.get(window.length) ?? []), window]);
    }
  }
  const order = Int32Array.from([...bySize.values()].flat(2));
  const inverse = new Int32Array(order.length);
  order.forEach((unit, at) => (inverse[unit] = at));
  return {
    order,
    inverse,
    isIdentity: order.every((unit, at) => unit === at),
    groups: [...bySize].map(([units, windows]) => ({ windows: windows.length, units })),
  };
}

/**
 * Cosine and sine of the vision tower's two-dimensional rotary embedding for one temporal patch, in the plan's order:
 * the first half of the angles turns with the row, the second with the column.
 *
 * @returns each [patches, headDim]
 */
export function visionRotaryTable(
  vision: PolicyConfig['vision'],
  grid: PatchGrid,
  plan: WindowPlan,
): { cos: Float32Array; sin: Float32Array } {
  const merge = vision.spatialMergeSize;
  const headDim = vision.hiddenSize / vision.heads;
  const half = headDim / 2;
  const patches = grid.h * grid.w;
  const columns = grid.w / merge;
  const cos = new Float32Array(patches * headDim);
  const sin = new Float32Array(patches * headDim);
  for (let i = 0; i < patches; i++) {
    const unit = plan.order[Math.floor(i / merge ** 2)]!;
    const inner = i % merge ** 2;
    const row = Math.floor(unit / columns) * merge + Math.floor(inner / merge);
    const column = (unit % columns) * merge + (inner % merge);
    for (let j = 0; j < half; j++) {
      const frequency = Math.fround(1 / Math.fround(10000 ** Math.fround((2 * (j % (half / 2))) / half)));
      const angle = Math.fround((j < half / 2 ? row : column) * frequency);
      const at = i * headDim + j;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
