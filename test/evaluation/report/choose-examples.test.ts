import { describe, expect, it } from 'vitest';
import { chooseExamples } from '../../../evaluation/report/choose-examples.js';
import type { PerSample } from '../../../evaluation/result.js';

type Answer = PerSample['checkpoints'][string];
const answer = (
  verdict: 'Normal' | 'Abnormal' | null,
  right: boolean,
  more: Partial<Answer> = {},
): Answer => ({
  outcome: verdict === null ? 'missing-which' : 'ok',
  verdict,
  span: null,
  right,
  iou: right ? 1 : 0,
  truncated: false,
  formatValid: true,
  words: 1,
  tokens: 1,
  first: null,
  ...more,
});
const row = (sampleId: string, category: string | null, last: Answer): PerSample => ({
  sampleId,
  truth: { label: category === null ? 'Normal' : 'Abnormal', category, spans: [] },
  seconds: 10,
  checkpoints: { sft: answer('Normal', true), grpo: last },
});
const first = (right: boolean) => ({
  first: { outcome: 'ok' as const, verdict: 'Normal' as const, span: null, right, iou: null },
});

const rows: PerSample[] = [
  row('z', 'Fire', answer('Abnormal', true)),
  row('a', 'Fire', answer('Abnormal', true)),
  row('b', 'Fighting', answer('Abnormal', true, first(false))),
  row('c', 'Fire', answer('Normal', false, first(true))),
  row('d', 'Fire', answer('Normal', false)),
  row('e', null, answer('Abnormal', false)),
  row('f', null, answer(null, false)),
  row('g', null, answer('Normal', true)),
  row('h', 'Arson', answer('Abnormal', true, { iou: 0.1 })),
  row('i', 'Explosion', answer('Abnormal', true)),
];

describe('chooseExamples', () => {
  it('takes one of each kind, first in order of id, then one of each category', () => {
    expect(chooseExamples(rows, 'grpo')).toEqual([
      { sampleId: 'b', why: 'reflection corrected it' },
      { sampleId: 'c', why: 'reflection spoiled it' },
      { sampleId: 'd', why: 'missed' },
      { sampleId: 'e', why: 'false alarm' },
      { sampleId: 'f', why: 'answer not usable' },
      { sampleId: 'h', why: 'right, in the wrong place' },
      { sampleId: 'g', why: 'rightly called Normal' },
      { sampleId: 'i', why: 'first of Explosion' },
      { sampleId: 'a', why: 'first of Fire' },
    ]);
  });

  it('does not depend on the order of rows, and stops at the limit', () => {
    expect(chooseExamples([...rows].reverse(), 'grpo', 3)).toEqual(chooseExamples(rows, 'grpo').slice(0, 3));
    expect(chooseExamples(rows, 'grpo', 0)).toEqual([]);
  });

  it('has nothing to show without rows or for an unknown checkpoint', () => {
    expect(chooseExamples([], 'grpo')).toEqual([]);
    expect(chooseExamples(rows, 'nothing')).toEqual([]);
  });
});
