import { describe, expect, it } from 'vitest';
import { EvaluationConfig } from '../../config/evaluation.js';
import { writeAnswer, writeThink } from '../../datasets/write-answer.js';
import type { Prediction } from '../../datasets/target.js';
import { compareBranches, Comparison, type ComparedBranch } from '../../evaluation/compare.js';
import { evaluate } from '../../evaluation/evaluate.js';
import { testSample } from './videos.js';

const config = EvaluationConfig.parse({ bootstrapResamples: 200 });
const samples = Array.from({ length: 40 }, (_, index) =>
  index % 2 === 0 ? testSample(`t${index}`, 'Abnormal', [[0.25, 0.5]]) : testSample(`t${index}`, 'Normal'),
);

const abnormal = (end: number) =>
  `${writeThink(['a', 'b', 'c', 'd'])} ${writeAnswer({ which: 'Abnormal', what: 'Fire', when: [0.25, end], where: 'x', why: 'y', how: 'z' })}`;
const normal = `${writeThink(['a', 'b'])} ${writeAnswer({ which: 'Normal', what: 'w', why: 'y' })}`;

/** Right on every video from `wrong` on; abnormal spans end at `end`. */
function answers(wrong: number, end: number): Prediction[] {
  return samples.map(({ id, label }, index) => ({
    sampleId: id,
    text: (label === 'Abnormal') !== index < wrong ? abnormal(end) : normal,
    finish: 'stop',
    tokens: 9,
  }));
}

const one = (checkpoint: string, digest: string, predictions: Prediction[]) =>
  ({ checkpoint, shape: 'single', digest, predictions }) as const;
const branches: ComparedBranch[] = [
  {
    variant: null,
    extended: null,
    checkpoints: [one('sft', 'a', answers(20, 0.5)), one('grpo', 'b', answers(0, 0.75))],
  },
  {
    variant: 'other',
    extended: null,
    checkpoints: [one('sft', 'a', answers(20, 0.5)), one('grpo', 'c', answers(2, 0.5))],
  },
  { variant: 'other-again', extended: 'other', checkpoints: [one('grpo', 'd', answers(4, 0.5))] },
];
const comparison = compareBranches(samples, branches, config, 1);
const row = (variant: string | null, checkpoint: string) =>
  comparison.checkpoints.find((found) => found.variant === variant && found.checkpoint === checkpoint)!;

describe('branches of a run', () => {
  it('are measured as the evaluation measures a run', () => {
    const { result } = evaluate({ samples, checkpoints: branches[0]!.checkpoints, config, seed: 1 });
    for (const { checkpoint, metrics } of result.checkpoints) {
      const compared = row(null, checkpoint).metrics;
      // Interval for interval: the resamples are the same.
      for (const [metric, estimate] of Object.entries(compared)) expect(metrics[metric]).toEqual(estimate);
    }
    expect(comparison.trueSpanWidth).toBe(result.trueSpanWidth);
    expect(comparison.trueSpanWidth).toBe(0.25);
  });

  it('share what has the same answers', () => {
    expect(row(null, 'sft').sameAs).toBeNull();
    expect(row('other', 'sft').sameAs).toEqual({ variant: null, checkpoint: 'sft' });
    expect(row('other', 'grpo').sameAs).toBeNull();
    expect(row('other', 'sft').metrics).toEqual(row(null, 'sft').metrics);
  });

  it('are held against what came before them and against the run', () => {
    const against = ({ gains }: ReturnType<typeof row>) =>
      gains.map(({ variant, checkpoint }) => [variant, checkpoint]);
    expect(against(row(null, 'sft'))).toEqual([]);
    expect(against(row(null, 'grpo'))).toEqual([[null, 'sft']]);
    expect(against(row('other', 'grpo'))).toEqual([
      ['other', 'sft'],
      [null, 'grpo'],
    ]);
    const [before, run] = row('other', 'grpo').gains;
    expect(before!.metrics['all_videos.accuracy']).toMatchObject({ value: 0.45, verdict: 'better' });
    expect(run!.metrics['all_videos.accuracy']!.value).toBe(-0.05);
    expect(run!.metrics['abnormal_only.span_width']!.value).toBe(-0.25);
    expect(run!.metrics['abnormal_only.miou']).toMatchObject({ verdict: 'better' });
  });

  it('are held against the variant that they extend, too', () => {
    const [run, extended] = row('other-again', 'grpo').gains;
    expect(run).toMatchObject({ variant: null, checkpoint: 'grpo' });
    expect(run!.metrics['all_videos.accuracy']!.value).toBeCloseTo(-0.1, 12);
    expect(extended).toMatchObject({ variant: 'other', checkpoint: 'grpo' });
    expect(extended!.metrics['all_videos.accuracy']!.value).toBeCloseTo(-0.05, 12);
    expect(row('other-again', 'grpo').gains).toHaveLength(2);
  });

  it('give the same numbers again, and what the schema says', () => {
    expect(compareBranches(samples, branches, config, 1)).toEqual(comparison);
    expect(Comparison.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(comparison);
  });

  it('refuse answers to other videos', () => {
    const strange = [{ ...answers(0, 0.5)[0]!, sampleId: 'nobody' }];
    expect(() =>
      compareBranches(
        samples,
        [{ variant: null, extended: null, checkpoints: [one('sft', 'a', strange)] }],
        config,
        1,
      ),
    ).toThrow(/nobody/);
  });
});
