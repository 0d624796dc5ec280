import type { Measured } from './measure.js';
import { median, pairedRatio, type Spread } from '../side-by-side/statistics.js';
import { atLeast, atMost, type Reached } from '../side-by-side/verdict.js';
import type { WorkloadGroup } from './workloads.js';

/** Ours against one reference. */
export interface Comparison {
  readonly participant: string;
  /** Our time over theirs: below 1 we are faster. */
  readonly time: Spread;
  /** Our peak memory over theirs; null where the system does not tell. */
  readonly memory: number | null;
}

/** Whether one target is reached. */
export interface Verdict extends Reached {
  readonly target: string;
  /** The reference that the target compares with. */
  readonly against: string;
}

/** Ours, the first of the measured, against each of the others. */
export function compare([ours, ...others]: readonly Measured[]): Comparison[] {
  return others.map((other) => ({
    participant: other.participant,
    time: pairedRatio(ours!.milliseconds, other.milliseconds),
    memory: ours!.peakBytes === null || other.peakBytes === null ? null : ours!.peakBytes / other.peakBytes,
  }));
}

/**
 * Judges a work against its targets, by the medians: training steps take no longer than those of the fastest reference,
 * sampling is at least twice as fast, and nothing needs more memory than that same reference. No verdicts where there is
 * no reference.
 */
export function judge(group: WorkloadGroup, measured: readonly Measured[]): Verdict[] {
  const fastest = measured
    .slice(1)
    .reduce<Measured | null>(
      (best, next) => (best === null || median(next.milliseconds) < median(best.milliseconds) ? next : best),
      null,
    );
  if (fastest === null) return [];
  const against = fastest.participant;
  const { time, memory } = compare(measured).find(({ participant }) => participant === against)!;
  const verdicts: Verdict[] = [];
  if (group === 'sft-demo' || group === 'sft-middle') {
    verdicts.push({ target: 'time of a step <= 1.00', against, ...atMost(time.median, 1) });
  }
  if (group === 'sampling') {
    verdicts.push({ target: 'tokens a second >= 2.00', against, ...atLeast(1 / time.median, 2) });
  }
  if (memory !== null) verdicts.push({ target: 'peak memory <= 1.00', against, ...atMost(memory, 1) });
  return verdicts;
}
