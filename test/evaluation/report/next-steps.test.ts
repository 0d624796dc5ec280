import { describe, expect, it } from 'vitest';
import type { ReportInput } from '../../../evaluation/report/input.js';
import { nextSteps } from '../../../evaluation/report/next-steps.js';
import { inventedReportInput } from './report-input.js';

const input = await inventedReportInput(40);
const texts = (more: Partial<ReportInput>) => nextSteps({ ...input, ...more }).map(({ text }) => text);
const withAccuracy = (verdict: 'better' | 'worse' | 'unclear'): Partial<ReportInput> => ({
  evaluation: {
    ...input.evaluation,
    comparisons: [
      { from: 'sft', to: 'grpo', metrics: { 'all_videos.accuracy': { value: 0, low: 0, high: 0, verdict } } },
    ],
  },
});

describe('nextSteps', () => {
  it('advises by what the numbers show', () => {
    expect(texts(withAccuracy('unclear'))[0]).toMatch(/GRPO against SFT is not settled/);
    expect(texts(withAccuracy('worse'))[0]).toMatch(/GRPO is clearly worse than SFT/);
    expect(texts(withAccuracy('better'))[0]).not.toMatch(/against SFT|worse/);
    expect(texts({})).toContainEqual(expect.stringMatching(/outside 1 limit/));
    expect(texts({ training: [] })).not.toContainEqual(expect.stringMatching(/outside/));
    expect(texts({})).toContainEqual(expect.stringMatching(/^4 videos or annotations could not be used/));
    expect(texts({ rejects: [] })).not.toContainEqual(expect.stringMatching(/could not be used/));
  });

  it('always ends with how to train on own videos, and changes one setting per command', () => {
    const steps = nextSteps({ ...input, ...withAccuracy('unclear') });
    expect(steps.at(-1)!.command).toBe(
      'hindsight run clips.yaml --set dataset.sources.0.annotations=annotations.jsonl',
    );
    expect(steps[0]!.command).toBe('hindsight run CONFIG.yaml --set seed.train=2');
  });
});
