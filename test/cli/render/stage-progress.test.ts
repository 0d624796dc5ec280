import { describe, expect, it } from 'vitest';
import { stageProgress } from '../../../cli/render/stage-progress.js';

const at = (phase: string, metrics: Record<string, number>) => ({ phase, step: 12, steps: 60, metrics });

describe('the progress of a stage', () => {
  it('shows of GRPO what tells early whether it goes well', () => {
    const metrics = {
      epoch: 0,
      reward: 1.234,
      rewardStd: 0.4,
      flatGroups: 0.5,
      finalAccuracy: 0.8,
      predictedAbnormal: 0.52,
      spanWidth: 0.41,
      kl: 0.0125,
      gradNorm: 1,
    };
    expect(stageProgress(at('grpo', metrics), { stepsPerSecond: 0.08, secondsLeft: 600 })).toBe(
      'grpo 12/60, about 10 min left, reward 1.234, final accuracy 0.800, predicted Abnormal 0.520, span width 0.410, KL 0.013, 13 s a step',
    );
  });

  it('leaves out what is not known yet', () => {
    expect(stageProgress(at('sft', { learningRate: 1e-3, loss: 2 }))).toBe(
      'sft 12/60, loss 2, learning rate 0.001',
    );
    expect(stageProgress(at('vision-warmup', { loss: 2, patchAccuracy: 0.25, gradNorm: 1 }))).toBe(
      'vision-warmup 12/60, loss 2, patch accuracy 0.250',
    );
  });

  it('shows the first numbers of a phase that nobody chose for, and no speed', () => {
    const metrics = { tokens: 900, truncated: 1, c: 1, d: 1, e: 1, f: 1 };
    expect(stageProgress(at('answers', metrics), { stepsPerSecond: 2, secondsLeft: 24 })).toBe(
      'answers 12/60, about 20 s left, tokens 900, truncated 1, c 1, d 1, e 1',
    );
  });
});
