import type { Machine } from '../side-by-side/machine.js';
import { spread, type Spread } from '../side-by-side/statistics.js';
import type { Measured } from './measure.js';
import { compare, judge, type Comparison, type Verdict } from './targets.js';
import { tokensPerStep } from './work.js';
import type { Workload, WorkloadGroup } from './workloads.js';

/** One participant on one work. */
export interface ParticipantResult {
  readonly participant: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Mean time of a step, round by round. */
  readonly rounds: readonly number[];
  readonly milliseconds: Spread;
  /** At the median time. */
  readonly tokensPerSecond: number;
  readonly peakBytes: number | null;
  /** How far its losses or logits are from ours, relative; null for ours. */
  readonly apart: number | null;
}

export interface WorkloadResult {
  readonly name: string;
  readonly group: WorkloadGroup;
  readonly description: string;
  readonly participants: readonly ParticipantResult[];
  readonly comparisons: readonly Comparison[];
  readonly verdicts: readonly Verdict[];
  /** Rounds in which other programs ran. */
  readonly disturbedRounds: number;
}

/** What `--json` prints. */
export interface BenchResult {
  readonly schema: 1;
  readonly machine: Machine;
  readonly rounds: number;
  readonly workloads: readonly WorkloadResult[];
}

export function workloadResult(
  { name, group, description, work }: Pick<Workload, 'name' | 'group' | 'description' | 'work'>,
  measured: readonly Measured[],
  disturbedRounds: number,
): WorkloadResult {
  const tokens = tokensPerStep(work);
  const participants = measured.map((one) => {
    const milliseconds = spread(one.milliseconds);
    return {
      participant: one.participant,
      threads: one.threads,
      versions: one.versions,
      rounds: one.milliseconds,
      milliseconds,
      tokensPerSecond: (1000 * tokens) / milliseconds.median,
      peakBytes: one.peakBytes,
      apart: one.apart,
    };
  });
  return {
    name,
    group,
    description,
    participants,
    comparisons: compare(measured),
    verdicts: judge(group, measured),
    disturbedRounds,
  };
}
