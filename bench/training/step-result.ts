import { pairedRatio, spread, type Spread } from '../side-by-side/statistics.js';
import { parts, type Part, type Stepped } from './protocol.js';

/** One participant's steps. */
export interface MeasuredSteps {
  readonly participant: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  /** One step a round; equal rounds of all participants make the same generation. */
  readonly rounds: readonly Stepped[];
  /** How far its KL and gradient norms are from ours, relative; null for ours. */
  readonly apart: number | null;
}

export interface PartResult {
  readonly milliseconds: Spread;
  /** Sums over the rounds. */
  readonly sequences: number;
  readonly tokens: number;
}

export interface StepResult extends MeasuredSteps {
  readonly parts: Readonly<Record<(typeof parts)[number], PartResult>>;
  readonly milliseconds: Spread;
  /** Verification over rollout, by round. */
  readonly verificationShare: Spread;
  /** Our whole step over this one, by round; null for ours. */
  readonly ratio: Spread | null;
}

/** Milliseconds of a whole step. */
export const stepTime = (step: Stepped): number =>
  parts.reduce((sum, part) => sum + step[part].milliseconds, 0);

/** What each participant's steps took; ours are the first. */
export function stepResults(measured: readonly MeasuredSteps[]): StepResult[] {
  const [ours] = measured;
  return measured.map((one) => {
    const { rounds } = one;
    const times = rounds.map(stepTime);
    const part = (of: (step: Stepped) => Part): PartResult => ({
      milliseconds: spread(rounds.map((step) => of(step).milliseconds)),
      sequences: rounds.reduce((sum, step) => sum + of(step).sequences, 0),
      tokens: rounds.reduce((sum, step) => sum + of(step).tokens, 0),
    });
    return {
      ...one,
      parts: {
        rollout: part((step) => step.rollout),
        verification: part((step) => step.verification),
        update: part((step) => step.update),
      },
      milliseconds: spread(times),
      verificationShare: pairedRatio(
        rounds.map((step) => step.verification.milliseconds),
        rounds.map((step) => step.rollout.milliseconds),
      ),
      ratio: one === ours ? null : pairedRatio(ours!.rounds.map(stepTime), times),
    };
  });
}
