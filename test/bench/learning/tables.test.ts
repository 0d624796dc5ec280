import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { learningText } from '../../../bench/learning/command.js';
import { changeText, learningTables, markdown, seedsMatterMore } from '../../../bench/learning/tables.js';
import { extendedVariant } from '../../../config/extended-variant.js';
import { loadConfig } from '../../../config/load.js';
import { packageRoot } from '../../../core/package-root.js';
import { gain, row, seedResult } from './seed-results.js';

const metrics = {
  'all_videos.accuracy': 0.9,
  'abnormal_only.miou': 0.6,
  'abnormal_only.span_width': 0.42,
  'all_videos.format_valid': 1,
};
const change = {
  'all_videos.accuracy': 0.02,
  'abnormal_only.miou': 0.01,
  'abnormal_only.span_width': -0.005,
};

describe('the seeds', () => {
  it('matter more when they disagree on the sign or spread by more than the mean', () => {
    expect(seedsMatterMore([0.01, 0.02, 0.015])).toBe(false);
    expect(seedsMatterMore([0.01, -0.001, 0.02])).toBe(true);
    expect(seedsMatterMore([0.001, 0.001, 0.05])).toBe(true);
    expect(seedsMatterMore([-0.03, -0.02, -0.025])).toBe(false);
  });

  it('are told as mean and range', () => {
    expect(changeText([0.01, 0.02, 0.03])).toBe('+2.0 (+1.0 to +3.0)');
    expect(changeText([0.01, -0.02])).toBe('−0.5 (−2.0 to +1.0) seeds matter more');
    expect(changeText([])).toBe('-');
  });
});

describe('the tables', () => {
  const result = seedResult(1, [
    row(null, 'sft', metrics),
    row('half-reflection-data', 'reflection-sft', metrics, { gains: [gain(null, 'reflection-sft', change)] }),
    row('no-reflection', 'grpo', metrics, { gains: [gain('no-reflection', 'sft', change)] }),
  ]);

  it('leave out what was not run', () => {
    const [checkpoints, weak, spans, reflection, ablations] = learningTables([result]);
    expect(checkpoints!.rows.slice(1).map((cells) => cells[1])).toEqual(['sft', 'no-reflection/grpo']);
    expect(weak!.rows.slice(1)).toEqual([
      ['1', 'guarded', '+2.0 [+1.0, +3.0]', '+1.0 [0.0, +2.0]', '−0.5 [−1.5, +0.5]'],
    ]);
    expect(spans!.rows).toHaveLength(1);
    expect(reflection!.rows).toHaveLength(1);
    expect(ablations!.rows.slice(1).map((cells) => cells.slice(0, 3))).toEqual([
      ['half-reflection-data/reflection-sft', 'reflection-sft', '+2.0 (+2.0 to +2.0)'],
    ]);
  });

  it('hold GRPO with tIoU against the same run without it', () => {
    const [, , spans] = learningTables([
      seedResult(2, [
        row(null, 'grpo', metrics),
        row('tiou', 'grpo', metrics, { gains: [gain(null, 'grpo', change)] }),
      ]),
    ]);
    expect(spans!.rows.slice(1)).toEqual([
      ['2', '+2.0 [+1.0, +3.0]', '+1.0 [0.0, +2.0]', '−0.5 [−1.5, +0.5]'],
    ]);
  });

  it('read as Markdown', () => {
    expect(
      markdown({
        title: 'T',
        rows: [
          ['a', 'bb'],
          ['ccc', 'd'],
        ],
      }),
    ).toBe('### T\n\n| a   | bb |\n|-----|----|\n| ccc | d  |\n');
    expect(learningText([result], [])).toContain('100 held-out clips');
  });
});

it('every ablation of the config has a row in a table', async () => {
  const loaded = await loadConfig(join(packageRoot, 'bench', 'learning', 'learning.yaml'));
  const names = Object.keys(loaded.variants);
  const places = (name: string) =>
    ['sft', 'reflection-sft', 'grpo'].map((checkpoint) =>
      row(name, checkpoint, metrics, {
        gains: [null, name, extendedVariant(loaded.config, name)].flatMap((variant) =>
          ['sft', 'reflection-sft', 'grpo'].map((other) => gain(variant, other, change)),
        ),
      }),
    );
  const text = learningText([seedResult(1, [row(null, 'sft', metrics), ...names.flatMap(places)])], []);
  for (const name of names) expect(text).toContain(`${name}/`);
});
