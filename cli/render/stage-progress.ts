import type { PaceReading } from '../pace.js';
import type { StageProgress } from '../run-api.js';
import { duration, timeLeft } from './duration.js';
import { liveMetrics, trains } from './live-metrics.js';

/** `sft 120/300, about 2 min left, loss 0.412, token accuracy 0.93, learning rate 2.0e-5, 4.1 steps/s`. */
export function stageProgress(
  { phase, step, steps, metrics }: StageProgress,
  pace: PaceReading | null = null,
): string {
  const parts = [`${phase} ${step}/${steps}`];
  if (pace !== null && pace.secondsLeft !== null) parts.push(timeLeft(pace.secondsLeft));
  parts.push(...liveMetrics(phase, metrics).map(([name, value]) => `${name} ${figure(value)}`));
  if (pace !== null && trains(phase)) parts.push(speed(pace.stepsPerSecond));
  return parts.join(', ');
}

function speed(stepsPerSecond: number): string {
  if (stepsPerSecond >= 0.5) return `${stepsPerSecond.toPrecision(2)} steps/s`;
  return `${duration(1 / stepsPerSecond)} a step`;
}

/** Three decimals at most, no exponent for what people read, none lost for what is small. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 0.001) return value.toFixed(3);
  return value.toExponential(1);
}
