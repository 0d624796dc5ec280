import { describe, expect, it } from 'vitest';
import type { TrainingResult } from '../../../bench/training/result.js';
import { stepResults } from '../../../bench/training/step-result.js';
import { trainingText } from '../../../bench/training/table.js';
import { judgeMemory, judgeSteps } from '../../../bench/training/targets.js';
import { measuredSteps, step } from './steps.js';

const participants = stepResults([
  measuredSteps('ours', [step(600, 300, 700), step(640, 320, 640)]),
  measuredSteps('batched', [step(700, 500, 800), step(740, 460, 800)]),
  measuredSteps('one by one', [step(700, 9000, 300), step(740, 8000, 260)]),
]);
const held = [
  { step: 10, residentBytes: 900e6, tensors: 120, tensorBytes: 9e6 },
  { step: 100, residentBytes: 945e6, tensors: 120, tensorBytes: 9e6 },
];
const result: TrainingResult = {
  schema: 1,
  machine: { processor: 'Some CPU', processors: 2, memoryBytes: 8 * 2 ** 30 },
  rounds: 2,
  step: { participants, verdicts: judgeSteps(participants), disturbedRounds: 1 },
  checkpoint: {
    saveMilliseconds: { median: 120, min: 100, max: 130 },
    restoreMilliseconds: { median: 60, min: 50, max: 70 },
    modelBytes: 3_459_108,
    stateBytes: 6_901_172,
  },
  memory: { held, peakBytes: 1_200e6, verdicts: judgeMemory(held) },
};

describe('trainingText', () => {
  it('shows every part with its ratios, targets and the work that was done', () => {
    expect(trainingText(result)).toMatchInlineSnapshot(`
      "Training steps of the demo's size, side by side: 2 rounds, all in turn in each; float32.
      Machine: Some CPU, 2 processors, 8 GiB.
      ours: 2 threads, node 20.11.0, tfjs 4.22.0.
      batched, one by one: 2 threads, torch 2.15.0.
      Times are medians over the rounds (least to most).

      A GRPO step; ratios are ours / theirs, paired by round.
                  step ms               rollout ms        verification ms      update ms         verification / rollout  time ratio           apart
      ours        1600 (1600 to 1600)   620 (600 to 640)  310 (300 to 320)     670 (640 to 700)  0.50 (0.50 to 0.50)
      batched     2000 (2000 to 2000)   720 (700 to 740)  480 (460 to 500)     800 (800 to 800)  0.67 (0.62 to 0.71)     0.80 (0.80 to 0.80)  2e-5
      one by one  9500 (9000 to 10000)  720 (700 to 740)  8500 (8000 to 9000)  280 (260 to 300)  11.83 (10.81 to 12.86)  0.17 (0.16 to 0.18)  2e-5
      verification / rollout <= 1.10: 0.500, met
      step / PyTorch, verification batched <= 1.00: 0.800, met
      step / PyTorch, verification one by one <= 0.33: 0.169, met
      Other programs ran in 1 of the rounds, even when repeated.

      What each of them did in those rounds, as sequences and completion tokens:
                  rollout     verification  update
      ours        128, 10000  48, 2600      128, 10000
      batched     128, 10000  48, 2600      128, 10000
      one by one  128, 10000  48, 2600      128, 10000

      A checkpoint of policy and optimizer state, flushed to the disk, and both restored.
            save ms           restore ms     model MB  optimizer MB
      ours  120 (100 to 130)  60 (50 to 70)  3.5       6.9

      A GRPO job of 100 steps; the most it ever held: 1200.0 MB.
      after step  resident MB  tensors  tensor MB
      10          900.0        120      9.0
      100         945.0        120      9.0
      tensors, step 100 / step 10 <= 1.00: 1.000, met
      resident memory, step 100 / step 10 <= 1.02: 1.050, missed by 3%
      "
    `);
  });
  it('leaves out what was not measured', () => {
    const text = trainingText({ ...result, step: null, memory: null });
    expect(text).toContain('A checkpoint');
    expect(text).not.toMatch(/GRPO|undefined|torch/);
  });
  it('admits a peak that the system does not tell', () => {
    const text = trainingText({ ...result, memory: { ...result.memory!, peakBytes: null } });
    expect(text).toContain('the most it ever held: unknown.');
  });
  it('survives a round trip through JSON', () => {
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
});
