/**
 * First-fit: every item goes into the first bin that has room for it, in the given order.
 *
 * @param sizes none larger than `capacity`
 * @returns which items each bin holds, in their order
 */
export function firstFit(sizes: readonly number[], capacity: number): number[][] {
  const bins: number[][] = [];
  const room: number[] = [];
  for (const [item, size] of sizes.entries()) {
    let bin = room.findIndex((left) => left >= size);
    if (bin === -1) {
      bin = bins.push([]) - 1;
      room.push(capacity);
    }
    bins[bin]!.push(item);
    room[bin]! -= size;
  }
  return bins;
}

/** What packed micro-batches may be like. */
export interface PackedShape {
  /** Tokens of a row. */
  readonly length: number;
  /** Rows of a micro-batch at most. */
  readonly rows: number;
}

/**
 * Rows for two of the longest sequences, where one such row is within the budget: attention reads the whole row, so that
 * longer ones cost more than better filling saves.
 *
 * @param longest padded length of the longest sequence
 * @param batchSize sequences of a batch
 * @param budget tokens of a micro-batch
 */
export function packedShape(longest: number, batchSize: number, budget: number): PackedShape {
  const length = Math.max(longest, Math.min(2 * longest, budget));
  // No bin but the last of first-fit holds fewer of the longest than fit.
  const needed = Math.ceil(batchSize / Math.floor(length / longest));
  return { length, rows: Math.max(1, Math.min(needed, Math.floor(budget / length))) };
}

/** Rounds a count up in steps of about an eighth of the most it can be, so that batches share few shapes. */
export function roundedCount(count: number, most: number): number {
  const step = Math.max(1, Math.floor(most / 8));
  return Math.min(most, Math.ceil(count / step) * step);
}
