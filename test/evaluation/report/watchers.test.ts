import { describe, expect, it } from 'vitest';
import { phaseCurves } from '../../../evaluation/report/curves.js';
import { logTables } from '../../../evaluation/report/training-log.js';
import { alarms, watchers } from '../../../evaluation/report/watchers.js';
import { testSample } from '../videos.js';

const samples = [testSample('a', 'Abnormal', [[0, 0.4]]), testSample('n', 'Normal')];
const table = (column: string, from: number, to: number) =>
  logTables({
    stage: 'grpo',
    rows: Array.from({ length: 40 }, (_, index) => ({
      step: index + 1,
      [column]: from + ((to - from) * index) / 39,
    })),
  })[0]!;

describe('watchers', () => {
  it.each([
    ['predictedAbnormal', 0.5, 0.95, /above 0.9: it says the same/],
    ['predictedAbnormal', 0.5, 0.05, /below 0.1: it says the same/],
    ['spanWidth', 0.4, 0.6, /above 0.52: .*1.3 times/],
    ['firstAccuracy', 0.9, 0.8, /first answer got worse/],
    ['flatGroups', 0.3, 0.9, /no spread/],
    ['truncated', 0, 0.3, /token limit/],
    ['kl', 0, 0.9, /far from its reference/],
    ['entropy', 1, 0.01, /variety/],
  ])('warn when %s goes from %f to %f', (column, from, to, text) => {
    expect(alarms(table(column, from, to), watchers(samples)).map((alarm) => alarm.text)).toEqual([
      expect.stringMatching(text) as string,
    ]);
  });

  it.each([
    ['predictedAbnormal', 0.4, 0.6],
    ['spanWidth', 0.4, 0.45],
    ['firstAccuracy', 0.8, 0.9],
    ['flatGroups', 0.9, 0.3],
    ['truncated', 0.3, 0],
    ['kl', 0, 0.1],
    ['entropy', 0.2, 0.15],
    ['somethingElse', 0, 1e9],
  ])('say nothing when %s goes from %f to %f', (column, from, to) => {
    expect(alarms(table(column, from, to), watchers(samples))).toEqual([]);
  });

  it('know no span limit where no span is annotated', () => {
    expect(alarms(table('spanWidth', 0.4, 1), watchers([testSample('n', 'Normal')]))).toEqual([]);
  });
});

describe('curves', () => {
  it('mark the chart whose limit is crossed, and say it by the title', () => {
    const { main, warnings } = phaseCurves(table('spanWidth', 0.4, 0.6), watchers(samples));
    expect(main.map(({ title, warning }) => [title, warning])).toEqual([
      ['Mean span width', 'outside its limit'],
    ]);
    expect(main[0]!.marks).toEqual([{ value: 0.52, label: 'at most 0.52', side: 'above' }]);
    expect(warnings[0]).toMatch(/^Mean span width ends at 0\.59\d?, above 0\.52/);
  });

  it('give each reward a chart after their sum, and keep what they do not know', () => {
    const rows = [
      { step: 1, reward: 1, formatReward: 1, formatRewardStd: 0, kl: 0, formatPaid: 1, learningRate: 1e-4 },
    ];
    const { main, rest } = phaseCurves(logTables({ stage: 'grpo', rows })[0]!, []);
    expect(main.map(({ title }) => title)).toEqual(['Reward', 'Reward: format', 'KL to the reference']);
    expect(rest.map(({ title }) => title)).toEqual(['formatRewardStd', 'formatPaid', 'learningRate']);
  });
});
