import { describe, expect, it } from 'vitest';
import { EvaluationConfig } from '../../config/evaluation.js';
import { evaluate } from '../../evaluation/evaluate.js';
import { csvTable, latexTable, mainTable, markdownTable, share } from '../../evaluation/tables.js';
import { passText, testSample } from './videos.js';

const { result } = evaluate({
  samples: [testSample('a', 'Abnormal', [[0.25, 0.75]]), testSample('n', 'Normal')],
  checkpoints: [
    {
      checkpoint: 'sft',
      shape: 'single',
      predictions: [
        { sampleId: 'a', text: passText([0.25, 0.5]), finish: 'stop', tokens: 9 },
        { sampleId: 'n', text: passText(null), finish: 'stop', tokens: 9 },
      ],
    },
  ],
  config: EvaluationConfig.parse({ bootstrapResamples: 200 }),
  seed: 1,
});
const table = mainTable(result, [
  'all_videos.accuracy',
  'all_videos.precision',
  'abnormal_only.miou',
  'all_videos.format_valid',
]);

describe('the main table', () => {
  it('as Markdown: every column names its policy, undefined cells are dashes', () => {
    expect(markdownTable(table)).toMatchInlineSnapshot(`
      "|                           | Accuracy (all_videos) | Precision (all_videos) | mIoU (abnormal_only) | Valid format (all_videos) |
      |---------------------------|-----------------------|------------------------|----------------------|---------------------------|
      | always-normal             | .500 [.000, 1.000]    | –                      | .000 [.000, .000]    | –                         |
      | always-abnormal           | .500 [.000, 1.000]    | .500 [.000, 1.000]     | .500 [.500, .500]    | –                         |
      | best-constant-span-oracle | .500 [.000, 1.000]    | .500 [.000, 1.000]     | 1.000 [1.000, 1.000] | –                         |
      | sft                       | 1.000 [1.000, 1.000]  | 1.000 [1.000, 1.000]   | .500 [.500, .500]    | 1.000 [1.000, 1.000]      |

      2 videos; [low, high] are 95% bootstrap intervals over videos.
      "
    `);
  });

  it('as CSV: one line a number', () => {
    const lines = csvTable(table).split('\r\n');
    expect(lines[0]).toBe('name,kind,policy,metric,value,low,high,videos');
    expect(lines).toContain('always-normal,baseline,all_videos,all_videos.precision,,,,0');
    expect(lines).toContain('sft,checkpoint,abnormal_only,abnormal_only.miou,0.5,0.5,0.5,1');
    expect(lines).toHaveLength(1 + 4 * 4 + 1);
  });

  it('as CSV: quotes what must be quoted', () => {
    const odd = { ...table, rows: [{ ...table.rows[0]!, name: 'a "b", c' }] };
    expect(csvTable(odd).split('\r\n')[1]).toMatch(/^"a ""b"", c",baseline,/);
  });

  it('as LaTeX: escaped, booktabs, baselines apart from checkpoints', () => {
    expect(latexTable(table)).toMatchInlineSnapshot(`
      "% 2 videos; [low, high] are 95% bootstrap intervals over videos.
      \\begin{tabular}{lcccc}
      \\toprule
       & Accuracy {\\scriptsize all\\_videos} & Precision {\\scriptsize all\\_videos} & mIoU {\\scriptsize abnormal\\_only} & Valid format {\\scriptsize all\\_videos} \\\\
      \\midrule
      always-normal & .500 {\\scriptsize [.000, 1.000]} & -- & .000 {\\scriptsize [.000, .000]} & -- \\\\
      always-abnormal & .500 {\\scriptsize [.000, 1.000]} & .500 {\\scriptsize [.000, 1.000]} & .500 {\\scriptsize [.500, .500]} & -- \\\\
      best-constant-span-oracle & .500 {\\scriptsize [.000, 1.000]} & .500 {\\scriptsize [.000, 1.000]} & 1.000 {\\scriptsize [1.000, 1.000]} & -- \\\\
      \\midrule
      sft & 1.000 {\\scriptsize [1.000, 1.000]} & 1.000 {\\scriptsize [1.000, 1.000]} & .500 {\\scriptsize [.500, .500]} & 1.000 {\\scriptsize [1.000, 1.000]} \\\\
      \\bottomrule
      \\end{tabular}
      "
    `);
    const odd = { ...table, rows: [{ ...table.rows[0]!, name: '50% & a_b \\ {x}^~' }] };
    expect(latexTable(odd)).toContain(
      '50\\% \\& a\\_b \\textbackslash{} \\{x\\}\\textasciicircum{}\\textasciitilde{} &',
    );
  });

  it('writes shares to three decimals without the zero', () => {
    expect([0.938, 1, 0, -0.02, 0.0004, -0.0004].map(share)).toEqual([
      '.938',
      '1.000',
      '.000',
      '-.020',
      '.000',
      '.000',
    ]);
  });

  it('refuses a metric that does not exist', () => {
    expect(() => mainTable(result, ['accuracy'])).toThrow(
      /unknown metric accuracy; known: all_videos.accuracy/,
    );
  });
});
