import { describe, expect, it } from 'vitest';
import { lineChart, type LineChart } from '../../../evaluation/report/chart/line-chart.js';

const chart = (more: Partial<LineChart>): string =>
  lineChart({
    title: 'Loss',
    x: [1, 2, 3],
    series: [{ label: 'training', values: [4, 2, 0], tone: 'c2' }],
    domain: null,
    marks: [],
    warning: null,
    ...more,
  }).text;

describe('lineChart', () => {
  it('draws a line from corner to corner', () => {
    expect(chart({})).toContain('d="M0 0L300 100L600 200"');
    expect(chart({})).toContain('aria-label="Loss: training from 4 at step 1 to 0 at step 3"');
  });

  it('carries the values for the readout', () => {
    expect(chart({ series: [{ label: 'a', values: [1, null, 0.123456], tone: 'c2' }] })).toContain(
      'data-series="[[&#34;a&#34;,[1,null,0.1235]]]"',
    );
  });

  it('bridges steps without a value and shows a single value', () => {
    expect(chart({ series: [{ label: 'a', values: [4, null, 0], tone: 'c2' }] })).toContain(
      'd="M0 0L600 200"',
    );
    expect(chart({ x: [5], series: [{ label: 'a', values: [1], tone: 'c2' }] })).toMatch(/d="M297 [\d.]+h6"/);
  });

  it('smooths noisy lines only, and does not bend a straight one away from its ends', () => {
    expect(chart({}).match(/<path/g)).toHaveLength(1);
    const x = Array.from({ length: 100 }, (_, index) => index);
    const text = chart({ x, series: [{ label: 'a', values: x, tone: 'c2' }] });
    const smooth = /class="line c2" d="([^"]*)"/.exec(text)![1]!;
    expect(text).toContain('class="line c2 raw"');
    expect(smooth).toMatch(/^M0 198L/); // 1 of 100: the mean of the first three
    expect(smooth).toMatch(/L600 4$/); // 98 of 100: the mean of the last three
  });

  it('draws a limit near the data, and leaves out one that would flatten it', () => {
    const mark = (value: number) => chart({ marks: [{ value, label: 'at most', side: 'above' }] });
    expect(mark(5)).toContain('class="mark"');
    expect(mark(500)).not.toContain('class="mark"');
  });

  it('writes a limit out of bounds, but never over the steps', () => {
    const side = (value: number) =>
      /mark-label (\w+)/.exec(chart({ marks: [{ value, label: 'at least', side: 'below' }] }))![1];
    expect(side(2)).toBe('below');
    expect(side(0.1)).toBe('above');
  });

  it('does not blow up noise of a part in a thousand', () => {
    const text = chart({ series: [{ label: 'a', values: [1, 1.001, 0.999], tone: 'c2' }] });
    const heights = [...text.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map((match) => Number(match[1]));
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThan(10);
  });
});
