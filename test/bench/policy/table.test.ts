import { describe, expect, it } from 'vitest';
import type { Measured } from '../../../bench/policy/measure.js';
import { workloadResult, type BenchResult } from '../../../bench/policy/result.js';
import { profileText, resultText } from '../../../bench/policy/table.js';

const measured = (participant: string, milliseconds: number[], megabytes: number | null): Measured => ({
  participant,
  threads: 2,
  versions: participant === 'ours' ? { node: '20.11.0', tfjs: '4.22.0' } : { torch: '2.15.0' },
  milliseconds,
  peakBytes: megabytes === null ? null : megabytes * 1e6,
  apart: participant === 'ours' ? null : 2.4e-7,
});

const grid = { t: 1, h: 2, w: 2 };
const sampling = {
  name: 'sampling-8',
  group: 'sampling' as const,
  description: '8 completions of 5 tokens',
  work: {
    kind: 'sampling' as const,
    grid,
    batches: [{ prompts: [[1, 2], [3]], completions: [[], []] }],
    group: 4,
    newTokens: 5,
    seed: 1,
  },
};
const learning = {
  name: 'sft-demo',
  group: 'sft-demo' as const,
  description: 'a step',
  work: {
    kind: 'sft' as const,
    grid,
    batches: [
      { prompts: [[1, 2]], completions: [[3, 4]] },
      { prompts: [[1, 2]], completions: [[3, 4, 5, 6]] },
    ],
    optimizer: { learningRate: 1, beta1: 0.9, beta2: 0.9, weightDecay: 0, maxGradNorm: 1 },
    longest: 6,
  },
};

describe('workloadResult', () => {
  it('counts the tokens of a step: what is sampled, or all of an average batch', () => {
    const speeds = [sampling, learning].map(
      (work) => workloadResult(work, [measured('ours', [20], 1)], 0).participants[0]!.tokensPerSecond,
    );
    expect(speeds).toEqual([(2 * 4 * 5) / 0.02, 5 / 0.02]);
  });
});

describe('resultText', () => {
  const result: BenchResult = {
    schema: 1,
    machine: { processor: 'Some CPU', processors: 2, memoryBytes: 8 * 2 ** 30 },
    rounds: 3,
    workloads: [
      workloadResult(
        sampling,
        [
          measured('ours', [10, 12, 11], 300),
          measured('eager', [30, 33, 36], 400),
          measured('sdpa', [20, 21, 22], 250),
        ],
        0,
      ),
      workloadResult(
        learning,
        [measured('ours', [10, 12, 11], null), measured('sdpa', [9, 12, 12], null)],
        2,
      ),
    ],
  };

  it('shows machine, versions, ratios with their spread, and each target with its outcome', () => {
    expect(resultText(result)).toMatchInlineSnapshot(`
      "Policy against PyTorch, side by side: 3 rounds, all in turn in each; float32, the same weights and batches.
      Machine: Some CPU, 2 processors, 8 GiB.
      ours: 2 threads, node 20.11.0, tfjs 4.22.0.
      eager, sdpa: 2 threads, torch 2.15.0.
      Times are medians over the rounds (least to most); ratios are ours / theirs, paired by round.

      sampling-8: 8 completions of 5 tokens
             ms a step            tokens/s  peak MB  time ratio           memory ratio  apart
      ours   11.0 (10.0 to 12.0)  3636      300
      eager  33.0 (30.0 to 36.0)  1212      400      0.33 (0.31 to 0.36)  0.75          2e-7
      sdpa   21.0 (20.0 to 22.0)  1905      250      0.50 (0.50 to 0.57)  1.20          2e-7
      tokens a second >= 2.00 of sdpa: 2.00, met
      peak memory <= 1.00 of sdpa: 1.20, missed by 20%

      sft-demo: a step
            ms a step            tokens/s  peak MB  time ratio           memory ratio  apart
      ours  11.0 (10.0 to 12.0)  455       unknown
      sdpa  12.0 (9.0 to 12.0)   417       unknown  1.00 (0.92 to 1.11)                2e-7
      time of a step <= 1.00 of sdpa: 1.00, met
      Other programs ran in 2 of the rounds, even when repeated.
      "
    `);
  });
  it('survives a round trip through JSON', () => {
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
});

describe('profileText', () => {
  it('shows the largest parts with their shares and sums up the rest', () => {
    const parts = Array.from({ length: 30 }, (_, i) => ({ name: `Op${i}`, calls: 2, milliseconds: 40 - i }));
    const text = profileText({
      name: 'prefill-32',
      description: 'prompts',
      sections: [{ title: 'one step', parts }],
    });
    expect(text).toContain('one step: 765 ms');
    expect(text).toMatch(/^ {2}Op0 +2 +40\.0 +5%$/m);
    expect(text).toMatch(/^ {2}5 more +10 +65\.0 +8%$/m);
    expect(text).not.toContain('Op25');
  });
});
