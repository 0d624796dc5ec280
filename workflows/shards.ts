import {
  isCancellation,
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
} from '@temporalio/workflow';
import type { Shard } from '../activities/contract.js';
import type { Split } from '../config/dataset.js';

/** Shards of a phase in flight at once: bounds the pending activities of a history. */
const inFlight = 24;
/** Phases on the media queue: a shard holds at least 32 samples, and 20,000 samples make at most 200 shards. */
export const mediaShardSize = (samples: number): number => Math.max(32, Math.ceil(samples / 200));
/** Answers come in larger batches: a decode step of 64 sequences costs hardly more than one of 32. */
export const answerShardSize = (samples: number): number => Math.max(64, Math.ceil(samples / 200));

/** The shards of a split with `count` samples. */
export function shardsOf(split: Split | 'all', count: number, size: number): Shard[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => ({ split, index, size }));
}

/** Runs `work` over all shards, at most {@link inFlight} at once; results in shard order. Cancellation is passed on. */
export async function overShards<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, items.length) }, lane));
  return results;
}

/** Why an activity or child workflow failed, in the words of the innermost failure; cancellation is thrown on. */
export function reasonOf(error: unknown): string {
  if (isCancellation(error)) throw error;
  const inner = innermost(error);
  if (inner instanceof ApplicationFailure) {
    const fix = (inner.details?.[0] as { fix?: string | null } | undefined)?.fix;
    return `${inner.message} [${codeOf(inner)}]${fix === undefined || fix === null ? '' : ` (fix: ${fix})`}`;
  }
  return inner instanceof Error ? inner.message : String(inner);
}

/** Code of the innermost failure: that of our error, or `unexpected`. */
export function codeOf(error: unknown): string {
  const inner = innermost(error);
  return (inner instanceof ApplicationFailure ? inner.type : null) ?? 'unexpected';
}

function innermost(error: unknown): unknown {
  let inner = error;
  while (
    (inner instanceof ActivityFailure || inner instanceof ChildWorkflowFailure) &&
    inner.cause !== undefined
  ) {
    inner = inner.cause;
  }
  return inner;
}
