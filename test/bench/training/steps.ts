import type { Stepped } from '../../../bench/training/protocol.js';
import type { MeasuredSteps } from '../../../bench/training/step-result.js';

/** A step of the given milliseconds that did the usual work. */
export const step = (rollout: number, verification: number, update: number): Stepped => ({
  rollout: { milliseconds: rollout, sequences: 64, tokens: 5000 },
  verification: { milliseconds: verification, sequences: 24, tokens: 1300 },
  update: { milliseconds: update, sequences: 64, tokens: 5000 },
});

export const measuredSteps = (participant: string, rounds: readonly Stepped[]): MeasuredSteps => ({
  participant,
  threads: 2,
  versions: participant === 'ours' ? { node: '20.11.0', tfjs: '4.22.0' } : { torch: '2.15.0' },
  rounds,
  apart: participant === 'ours' ? null : 2.4e-5,
});
