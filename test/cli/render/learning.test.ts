import { expect, test } from 'vitest';
import { learningText } from '../../../cli/render/learning.js';
import { inventedReportInput } from '../../evaluation/report/report-input.js';

test('each training step is told with its interval and whether it helped', async () => {
  const { evaluation } = await inventedReportInput();
  const text = learningText(evaluation);
  expect(text.split('\n').slice(0, 2)).toEqual([
    expect.stringMatching(/^sft -> reflection-sft  +accuracy +[+−]?\d+\.\d points, interval .* to .*: /),
    expect.stringMatching(/^sft -> reflection-sft +mIoU \(abnormal_only\) /),
  ]);
  expect(text).toMatch(/sft -> grpo .*: a clear gain\n/);
  expect(text).toMatch(
    /mean predicted span: sft \.\d{3}, reflection-sft \.\d{3}, grpo \.\d{3}; in truth \.\d{3}\n/,
  );
  const { wrongToRight, rightToWrong } = evaluation.checkpoints.at(-1)!.transitions!;
  expect(text).toContain(`${wrongToRight} corrected, ${rightToWrong} spoiled\n`);
});

test('a loss is called one, and one checkpoint alone has no change to tell', async () => {
  const { evaluation } = await inventedReportInput();
  const [first] = evaluation.checkpoints;
  const worse = { value: -0.05, low: -0.08, high: -0.02, verdict: 'worse' as const };
  const comparisons = [{ from: 'sft', to: 'grpo', metrics: { 'all_videos.accuracy': worse } }];
  expect(learningText({ ...evaluation, comparisons })).toContain(
    'sft -> grpo  accuracy  −5.0 points, interval −8.0 to −2.0: a clear loss\n',
  );
  const alone = learningText({ ...evaluation, checkpoints: [first!], comparisons: [], trueSpanWidth: null });
  expect(alone).toMatch(/^mean predicted span: sft \.\d{3}\n$/);
});
