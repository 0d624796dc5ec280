import type { StageProgress } from '../run-api.js';

/** `sft 120/300, loss 0.412, tokens/s 15800`. */
export function stageProgress({ phase, step, steps, metrics }: StageProgress): string {
  const numbers = Object.entries(metrics)
    .slice(0, 5)
    .map(([name, value]) => `${name} ${figure(value)}`);
  return [`${phase} ${step}/${steps}`, ...numbers].join(', ');
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
