/** How a measurement stands to its target. */
export interface Reached {
  readonly reached: number;
  readonly isMet: boolean;
  /** By what share of the target it is missed; 0 when it is met. */
  readonly missedBy: number;
}

export const atMost = (reached: number, limit: number): Reached => ({
  reached,
  isMet: reached <= limit,
  missedBy: Math.max(0, reached / limit - 1),
});

export const atLeast = (reached: number, limit: number): Reached => ({
  reached,
  isMet: reached >= limit,
  missedBy: Math.max(0, 1 - reached / limit),
});

/** `met`, or by how much not. */
export const outcomeText = ({ isMet, missedBy }: Reached): string =>
  isMet ? 'met' : `missed by ${(100 * missedBy).toFixed(missedBy < 0.01 ? 1 : 0)}%`;
