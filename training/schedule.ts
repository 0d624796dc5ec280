import type { OptimizerConfig } from '../config/model.js';

/**
 * Learning rate of a step: linear warm-up to the peak over `warmupSteps`, times the decay from 1 at step 0 to `finalShare`
 * at `steps` (cosine or linear; constant stays at the peak).
 * @param step counts from 1, the first update.
 */
export function learningRateAt(
  step: number,
  steps: number,
  optimizer: Pick<OptimizerConfig, 'learningRate' | 'warmupSteps' | 'schedule' | 'finalShare'>,
): number {
  const { learningRate, warmupSteps, schedule, finalShare } = optimizer;
  const warmup = warmupSteps === 0 ? 1 : Math.min(1, step / warmupSteps);
  const done = Math.min(1, step / steps);
  const decay =
    schedule === 'constant' ? 0 : schedule === 'linear' ? done : 0.5 * (1 - Math.cos(Math.PI * done));
  return learningRate * warmup * (1 - (1 - finalShare) * decay);
}
