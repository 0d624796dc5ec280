import type { SeedResult } from '../../../bench/learning/row.js';
import type { ComparedCheckpoint } from '../../../evaluation/compare.js';

type Numbers = Readonly<Record<string, number>>;

/** A row whose metrics have intervals of one point to each side. */
export function row(
  variant: string | null,
  checkpoint: string,
  metrics: Numbers,
  more: Partial<Pick<ComparedCheckpoint, 'transitions' | 'gains' | 'shape'>> = {},
): ComparedCheckpoint {
  return {
    variant,
    checkpoint,
    shape: 'single',
    sameAs: null,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [
        name,
        { value, low: value - 0.01, high: value + 0.01, videos: 100 },
      ]),
    ),
    transitions: null,
    gains: [],
    ...more,
  };
}

/** A paired gain with an interval of one point to each side. */
export function gain(
  variant: string | null,
  checkpoint: string,
  metrics: Numbers,
): ComparedCheckpoint['gains'][0] {
  return {
    variant,
    checkpoint,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [
        name,
        { value, low: value - 0.01, high: value + 0.01, verdict: 'unclear' as const },
      ]),
    ),
  };
}

export function seedResult(seed: number, checkpoints: readonly ComparedCheckpoint[]): SeedResult {
  return {
    seed,
    runId: `learning-seed-${seed}`,
    constantSpanMiou: 0.53,
    comparison: {
      schema: 1,
      split: 'test',
      videos: 100,
      confidence: 0.95,
      bootstrapResamples: 100,
      seed: 1,
      trueSpanWidth: 0.4,
      checkpoints: [...checkpoints],
    },
  };
}
