import type { Machine } from '../side-by-side/machine.js';
import type { Spread } from '../side-by-side/statistics.js';
import type { Held } from './protocol.js';
import type { StepResult } from './step-result.js';
import type { Verdict } from './targets.js';

/** The parts of the bench that `--only` names. */
export const sections = ['step', 'checkpoint', 'memory'] as const;
export type Section = (typeof sections)[number];

export interface StepSection {
  readonly participants: readonly StepResult[];
  readonly verdicts: readonly Verdict[];
  /** Rounds in which other programs ran. */
  readonly disturbedRounds: number;
}

export interface CheckpointSection {
  readonly saveMilliseconds: Spread;
  readonly restoreMilliseconds: Spread;
  readonly modelBytes: number;
  readonly stateBytes: number;
}

export interface MemorySection {
  readonly held: readonly Held[];
  /** The most that the process ever held; null where the system does not tell. */
  readonly peakBytes: number | null;
  readonly verdicts: readonly Verdict[];
}

/** What `--json` prints; a part that was not asked for is null. */
export interface TrainingResult {
  readonly schema: 1;
  readonly machine: Machine;
  readonly rounds: number;
  readonly step: StepSection | null;
  readonly checkpoint: CheckpointSection | null;
  readonly memory: MemorySection | null;
}
