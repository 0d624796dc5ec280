import { z } from 'zod';

/** How a sample can have ended other than well; what a retry takes up again. */
export const retriedOutcomes = ['refused', 'failed', 'rejected'] as const;
export type RetriedOutcome = (typeof retriedOutcomes)[number];

/** A stage made again although the store has its result (docs/decisions/0007-reruns.md). */
export const Rerun = z.strictObject({
  /** Tells reruns apart: a result whose manifest bears it is this rerun's own, and is not made a second time. */
  id: z.string(),
  /** Only samples that ended so are tried again, the others are kept; null for all of the stage. */
  only: z.array(z.enum(retriedOutcomes)).nullable(),
});
export type Rerun = z.infer<typeof Rerun>;

/** Stage -> its rerun. */
export const Reruns = z.record(z.string(), Rerun);
export type Reruns = Readonly<Record<string, Rerun>>;

/**
 * Name of the unfinished work on a key (checkpoints, sample outcomes): the key itself, and for a rerun a name of its own,
 * so that it does not go on from what was begun before it was asked for.
 */
export function workName(key: string, rerun: string | null): string {
  return rerun === null ? key : `${key}-${rerun}`;
}
