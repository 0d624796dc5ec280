import { expect, test } from 'vitest';
import { resultText } from '../../../cli/render/result-table.js';
import type { MainTable } from '../../../evaluation/tables.js';

const cell = (value: number | null, low: number | null = null, high: number | null = null) => ({
  value,
  low,
  high,
  videos: 8,
});
const table: MainTable = {
  confidence: 0.95,
  videos: 8,
  columns: [
    { metric: 'all_videos.accuracy', label: 'Accuracy', policy: 'all_videos' },
    { metric: 'all_videos.f1', label: 'F1', policy: 'all_videos' },
    { metric: 'all_videos.miou', label: 'mIoU', policy: 'all_videos' },
    { metric: 'abnormal_only.miou', label: 'mIoU', policy: 'abnormal_only' },
  ],
  rows: [
    {
      name: 'always Normal',
      kind: 'baseline',
      cells: [cell(0.5, 0.25, 0.75), cell(null), cell(0.5, 0.3, 0.7), cell(0, 0, 0)],
    },
    {
      name: 'grpo',
      kind: 'checkpoint',
      cells: [cell(0.875, 0.625, 1), cell(0.9, 0.7, 1), cell(0.7, 0.5, 0.9), cell(0.65, 0.41, 0.83)],
    },
  ],
};

test('a file gets the whole table', () => {
  expect(resultText(table, undefined)).toMatchInlineSnapshot(`
    "|               | Accuracy (all_videos) | F1 (all_videos)    | mIoU (all_videos) | mIoU (abnormal_only) |
    |---------------|-----------------------|--------------------|-------------------|----------------------|
    | always Normal | .500 [.250, .750]     | –                  | .500 [.300, .700] | .000 [.000, .000]    |
    | grpo          | .875 [.625, 1.000]    | .900 [.700, 1.000] | .700 [.500, .900] | .650 [.410, .830]    |

    8 videos; [low, high] are 95% bootstrap intervals over videos.
    "
  `);
});

test('a narrow screen gets it turned, with the intervals of the checkpoints', () => {
  expect(resultText(table, 80)).toMatchInlineSnapshot(`
    "|                       | always Normal | grpo               |
    |-----------------------|---------------|--------------------|
    | Accuracy (all_videos) | .500          | .875 [.625, 1.000] |
    | F1 (all_videos)       | –             | .900 [.700, 1.000] |
    | mIoU (all_videos)     | .500          | .700 [.500, .900]  |
    | mIoU (abnormal_only)  | .000          | .650 [.410, .830]  |

    8 videos; [low, high] are 95% bootstrap intervals over videos.
    "
  `);
});

test('a narrower one gets blocks', () => {
  expect(resultText(table, 50)).toMatchInlineSnapshot(`
    "always Normal
      Accuracy (all_videos)  .500 [.250, .750]
      F1 (all_videos)        –
      mIoU (all_videos)      .500 [.300, .700]
      mIoU (abnormal_only)   .000 [.000, .000]

    grpo
      Accuracy (all_videos)  .875 [.625, 1.000]
      F1 (all_videos)        .900 [.700, 1.000]
      mIoU (all_videos)      .700 [.500, .900]
      mIoU (abnormal_only)   .650 [.410, .830]

    8 videos; [low, high] are 95% bootstrap intervals over videos.
    "
  `);
});
