import { describe, expect, it } from 'vitest';
import type { ReportInput } from '../../../evaluation/report/input.js';
import { renderReport } from '../../../evaluation/report/render-report.js';
import { inventedReportInput } from './report-input.js';

const input = await inventedReportInput();
const html = renderReport(input);

/** The page without its own style, script and pictures. */
const bare = (page: string) =>
  page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/<script>[\s\S]*?<\/script>/, '')
    .replace(/base64,[^"]*/g, '');

describe('renderReport', () => {
  it('is the same bytes from equal input', async () => {
    expect(renderReport(await inventedReportInput())).toBe(html);
  });

  it('asks for nothing outside the file', () => {
    expect(bare(html).match(/(?:src|href)="(?!data:|#)[^"]*"/g)).toBeNull();
    expect(html).not.toMatch(/url\(|@import|https?:\/\/(?!www\.w3\.org)/);
  });

  it('has every section, and a link to each', () => {
    const ids = [
      'results',
      'gains',
      'variants',
      'reflection',
      'examples',
      'training',
      'strata',
      'data',
      'papers',
      'next',
    ];
    for (const id of ids) expect(html).toContain(`<section id="${id}"`);
    expect([...html.matchAll(/<a href="#([a-z]+)"/g)].map((match) => match[1])).toEqual(ids);
  });

  it('shows the numbers of the evaluation, each with its policy', () => {
    const { value, low, high } = input.evaluation.checkpoints.at(-1)!.metrics['all_videos.accuracy']!;
    const three = (number: number) => number.toFixed(3).replace(/^0/, '');
    expect(html).toContain(`<b>${three(value!)}</b><small>${three(low!)} – ${three(high!)}</small>`);
    expect(html).toContain('<th scope="col">mIoU<br><code>vadr1_upstream</code></th>');
    expect(html).toMatch(
      /[+−]\d+\.\d points, interval [+−]?\d+\.\d to [+−]?\d+\.\d: (a clear gain|no clear change)/,
    );
  });

  it('tells where the reflection data came from', () => {
    expect(html).toContain(
      '480 drafts of the SFT policy, written without the label, 83.3% of them right; 267 kept, 70.0% right (asked for: 30.0%)',
    );
    expect(renderReport({ ...input, drafts: null })).not.toContain('drafts of the SFT policy');
  });

  it('holds the variants against the run, and says nothing of them where there are none', () => {
    const variants = html.slice(html.indexOf('<section id="variants"'));
    expect(variants).toContain('half-data: GRPO');
    // What a variant shares with the run has no row of its own.
    expect(variants).not.toContain('half-data: SFT');
    expect(variants).toContain('no-length: GRPO, against half-data<');
    expect(variants).toMatch(/The anomalies themselves last \.\d+ of the video/);
    expect(variants).toContain('Mean span width of sampled answers');
    expect(renderReport({ ...input, variantLogs: [] })).not.toContain('Mean span width of sampled answers');
    expect(renderReport({ ...input, comparison: null })).not.toContain('id="variants"');
  });

  it('names configuration, seeds, code and artifacts', () => {
    expect(html).toContain('<h1>invented-test-run</h1>');
    expect(html).toContain('data 1, train 1, eval 1');
    expect(html).toContain(input.code.commit!.slice(0, 12));
    for (const { key, outputs } of input.artifacts) {
      expect(html).toContain(key);
      for (const digest of Object.values(outputs)) expect(html).toContain(digest);
    }
    expect(html).toContain('promptsPerStep: 16');
  });

  it('keeps whatever models and annotators write inside the text', () => {
    const evil = `</script><script>alert(1)</script></style><img src=x onerror=alert(1)>"'><b>`;
    const [example, ...others] = input.examples;
    const [row] = input.perSample.filter(({ sampleId }) => sampleId === example!.sampleId);
    const poisoned: ReportInput = {
      ...input,
      examples: [
        {
          ...example!,
          sampleId: evil,
          why: evil,
          answers: example!.answers.map((answer) => ({ ...answer, text: evil })),
        },
        ...others,
      ],
      perSample: [...input.perSample, { ...row!, sampleId: evil, truth: { ...row!.truth, category: evil } }],
      samples: input.samples.map((sample) => ({
        ...sample,
        category: sample.category === null ? null : evil,
      })),
      rejects: [{ id: evil, from: evil, reason: evil, message: evil }],
      training: [{ stage: evil, rows: [{ step: 1, phase: evil, [evil]: 1 }] }],
      artifacts: [{ stage: evil, key: evil, outputs: { [evil]: evil } }],
    };
    const page = renderReport(poisoned);
    expect(page).toContain('&#60;/script&#62;&#60;script&#62;alert(1)');
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page).not.toContain('<img src=x');
    // With quoted values out, no tag may hold an event handler.
    expect(
      bare(page)
        .replace(/"[^"]*"/g, '')
        .match(/<[^>]*\son[a-z]+=/),
    ).toBeNull();
  });

  it('leaves pictures out before the file grows too large', () => {
    const bytes = new Uint8Array(500_000);
    const page = renderReport({
      ...input,
      examples: input.examples.map((example) => ({
        ...example,
        contactSheet: { mediaType: 'image/png', bytes },
      })),
    });
    expect(page.length).toBeLessThan(3_000_000);
    expect(page.match(/Picture left out to keep this file small/g)).toHaveLength(input.examples.length - 3);
  });

  it('does with the least: one checkpoint, no logs, no examples', () => {
    const [only] = input.evaluation.checkpoints;
    const page = renderReport({
      ...input,
      evaluation: { ...input.evaluation, checkpoints: [only!], comparisons: [], strata: [] },
      training: [],
      examples: [],
      rejects: [],
      artifacts: [],
      code: { version: '1', commit: null },
    });
    for (const id of ['gains', 'reflection', 'examples', 'training', 'strata'])
      expect(page).not.toContain(`id="${id}"`);
    expect(page).toContain('No video and no annotation was rejected');
  });

  it('stays small when logs are long and rejects many', () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => ({
      step: index + 1,
      loss: 1 / (index + 1),
      kl: 0,
      reward: index % 7,
    }));
    const rejects = Array.from({ length: 5000 }, (_, index) => ({ ...input.rejects[0]!, id: `r${index}` }));
    const page = renderReport({ ...input, training: [{ stage: 'grpo', rows }], rejects });
    expect(page.length).toBeLessThan(1_500_000);
    expect(page).toContain('5,000 videos or annotations');
    expect(page).toContain('The first 40 of them');
  });
});
