import { mean } from '../advantages.js';
import type { StepRow } from '../run-phases.js';

/** A value that the running statistic of a column should stay within, and what it means when it does not. */
export interface Limit {
  readonly value: number;
  readonly side: 'above' | 'below';
  readonly meaning: string;
}

/** Watches one column of a training log for a known way to go wrong. */
export interface Watcher {
  /** Name in the log. */
  readonly column: string;
  /** As people call it, e.g. `mean span width`. */
  readonly name: string;
  /** What is judged of a row; null where the row has nothing to judge. Default: the column. */
  readonly reading?: (row: StepRow) => number | null;
  /** Of the readings in the window; `median` for what a single spike would pull along. Default: the mean. */
  readonly statistic?: 'mean' | 'median';
  /** Readings in the window. Default: {@link windowSize}. */
  readonly window?: number;
  /** Readings there must be before it is judged. Default: the least window. */
  readonly from?: number;
  /** At most one limit per side. @param readings all so far, those of the window included */
  readonly limits: (readings: readonly number[]) => readonly Limit[];
}

/** A watcher's statistic at one step, and the limits that hold there. */
export interface Judgement {
  readonly value: number;
  readonly limits: readonly Limit[];
  /** Those of the limits that the value is beyond. */
  readonly crossed: readonly Limit[];
}

/** Readings that a run's start is the mean of, and in the shortest window. */
const fewest = 5;
/** Readings until start and window no longer overlap: what is held against the start is not judged before. */
export const pastStart = 2 * fewest;
/** What scatter and median look at, at most, so that a long log costs no more per step than a short one. */
const most = 200;

/** Steps that the running statistic covers after `readings` of them: a tenth, at least 5, so that no single step warns. */
export function windowSize(readings: number): number {
  return Math.max(fewest, Math.ceil(readings / 10));
}

/** Judges the latest reading in its window; null while there are too few. */
export function judge(watcher: Watcher, readings: readonly number[]): Judgement | null {
  if (readings.length < (watcher.from ?? fewest)) return null;
  const window = readings.slice(-(watcher.window ?? windowSize(readings.length)));
  const value = watcher.statistic === 'median' ? median(window) : mean(window);
  const limits = watcher.limits(readings);
  const crossed = limits.filter(({ value: limit, side }) =>
    side === 'above' ? value > limit : value < limit,
  );
  return { value, limits, crossed };
}

/** Where a run began: the mean of its first readings. */
export function start(readings: readonly number[]): number {
  return mean(readings.slice(0, fewest));
}

/**
 * How far window and start may lie apart by noise alone: three standard errors of their difference, since a run is judged at
 * every step. The noise of one
 * step is taken from neighbouring steps (von Neumann 1941), so that a trend does not count as noise.
 */
export function noise(readings: readonly number[]): number {
  const recent = readings.slice(-most);
  if (recent.length < 2) return 0;
  let squares = 0;
  for (let i = 1; i < recent.length; i++) squares += (recent[i]! - recent[i - 1]!) ** 2;
  const variance = squares / (recent.length - 1) / 2;
  return 3 * Math.sqrt(variance * (1 / fewest + 1 / windowSize(readings.length)));
}

/** Median of the readings before the window; of a long run, of evenly spaced ones. */
export function medianBefore(readings: readonly number[]): number {
  const before = readings.slice(0, -windowSize(readings.length));
  const stride = Math.ceil(before.length / most);
  return median(before.filter((_, index) => index % stride === 0));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
