import { expect, test } from 'vitest';
import { comparisonText } from '../../../cli/render/comparison.js';
import { gain, row, seedResult } from '../../bench/learning/seed-results.js';

test('variants are shown beside the run, without what they share with it', () => {
  const metrics = { 'all_videos.accuracy': 0.9, 'abnormal_only.miou': 0.6, 'abnormal_only.span_width': 0.42 };
  const { comparison } = seedResult(1, [
    row(null, 'sft', metrics),
    { ...row('half-data', 'sft', metrics), sameAs: { variant: null, checkpoint: 'sft' } },
    row(
      'half-data',
      'grpo',
      { 'all_videos.accuracy': 0.88 },
      {
        gains: [
          gain('half-data', 'sft', { 'all_videos.accuracy': 0.5 }),
          gain(null, 'grpo', { 'all_videos.accuracy': -0.02 }),
        ],
      },
    ),
  ]);
  expect(comparisonText(comparison)).toMatchInlineSnapshot(`
    "variant         accuracy           against the run    mIoU (abnormal_only)  mean span
    sft             .900 [.890, .910]                     .600 [.590, .610]     .420
    half-data/grpo  .880 [.870, .890]  −2.0 [−3.0, −1.0]  -                     -

    paired differences in points with 95% intervals over the videos, not over training seeds; the anomalies themselves last .400 on average
    "
  `);
});
