import type { StepRow } from './run-phases.js';
import type { SupervisedSequence, SupervisedTrainer } from './supervised.js';

/** At most so many validation sequences: enough for two digits of the loss. */
export const mostValidation = 64;

/** Whether the validation loss is due after step `k`, counted from 0: every so many steps, and after the last. */
export function validationDue(
  k: number,
  { steps, validationEvery }: { readonly steps: number; readonly validationEvery: number },
): boolean {
  return (k + 1) % validationEvery === 0 || k + 1 === steps;
}

/** What a row of the log says of sequences that are not learnt from; nothing where there are none. */
export async function validate(
  trainer: SupervisedTrainer,
  sequences: readonly SupervisedSequence[],
): Promise<StepRow> {
  if (sequences.length === 0) return {};
  const { loss, tokenAccuracy } = await trainer.validate(sequences);
  return { validationLoss: loss, validationTokenAccuracy: tokenAccuracy };
}
