import { atMost, type Reached } from '../side-by-side/verdict.js';
import type { ReferenceName } from './commands.js';
import type { Held } from './protocol.js';
import type { StepResult } from './step-result.js';

/** Whether one target is reached. */
export interface Verdict extends Reached {
  readonly target: string;
}

const against: Readonly<Record<ReferenceName, { readonly limit: number; readonly target: string }>> = {
  batched: { limit: 1, target: 'step / PyTorch, verification batched <= 1.00' },
  'one by one': { limit: 1 / 3, target: 'step / PyTorch, verification one by one <= 0.33' },
};

/**
 * By the medians: our verification takes hardly longer than our rollout, our step no longer than PyTorch's with the same
 * verification in one batch, and a third of that with one answer after the other.
 */
export function judgeSteps([ours, ...others]: readonly StepResult[]): Verdict[] {
  const share = ours!.verificationShare.median;
  const verdicts: Verdict[] = [{ target: 'verification / rollout <= 1.10', ...atMost(share, 1.1) }];
  for (const { participant, ratio } of others) {
    const { limit, target } = against[participant as ReferenceName];
    verdicts.push({ target, ...atMost(ratio!.median, limit) });
  }
  return verdicts;
}

/** Steps over which memory must be flat. */
export const flatSteps = 100;

/**
 * Memory is flat when the last of a job's steps hold as many tensors as those `flatSteps` steps before (or the first that
 * were looked at), and hardly more of the main memory.
 */
export function judgeMemory(held: readonly Held[]): Verdict[] {
  const late = held.at(-1)!;
  const early = held.findLast(({ step }) => step <= late.step - flatSteps) ?? held[0]!;
  const span = `step ${late.step} / step ${early.step}`;
  return [
    { target: `tensors, ${span} <= 1.00`, ...atMost(late.tensors / early.tensors, 1) },
    {
      target: `resident memory, ${span} <= 1.02`,
      ...atMost(late.residentBytes / early.residentBytes, 1.02),
    },
  ];
}
