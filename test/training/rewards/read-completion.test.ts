import { describe, expect, it } from 'vitest';
import { writeAnswer, writeReflection, writeThink } from '../../../datasets/write-answer.js';
import { trainWordTokenizer } from '../../../policy/word-tokenizer.js';
import { format } from '../../../training/rewards/format.js';
import { readCompletion } from '../../../training/rewards/read-completion.js';

const abnormal = `${writeThink(['a', 'b', 'c', 'd'])} ${writeAnswer({
  which: 'Abnormal',
  what: 'Fire',
  when: [0.25, 0.5],
  where: 'left',
  why: 'hot',
  how: 'call',
})}`;
const normal = `${writeThink(['a', 'b'])} ${writeAnswer({ which: 'Normal', what: 'calm', why: 'calm' })}`;
const both = `${normal} ${writeReflection('look again at it')} ${abnormal}`;
const tokenizer = trainWordTokenizer([both]);
const read = (text: string, shape: 'single' | 'reflective') =>
  readCompletion(text, tokenizer.encode(text).length + 1, shape, tokenizer);
const paid = (text: string, shape: 'single' | 'reflective' = 'single') =>
  format([read(text, shape)], { label: 'Normal', spans: [], cuts: [] })[0];

describe('reading a completion for rewards', () => {
  it('finds verdict, span and the lengths of first pass and reflection', () => {
    const found = read(both, 'reflective');
    expect(found.first).toEqual({ verdict: 'Normal', span: null });
    expect(found.final).toEqual({ verdict: 'Abnormal', span: [0.25, 0.5] });
    expect(found.firstTokens).toEqual(tokenizer.encode(normal));
    expect(found.reflectionTokens).toHaveLength(4);
    expect(found.tokens).toBe(tokenizer.encode(both).length + 1);
  });

  it('has no final answer when a reflective completion ends after its first pass', () => {
    const found = read(normal, 'reflective');
    expect(found).toMatchObject({ formatValid: false, final: { verdict: null }, reflectionTokens: null });
    expect(found.first.verdict).toBe('Normal');
  });
});

describe('the format reward', () => {
  it('pays the two patterns and the reflective shape', () => {
    expect([paid(normal), paid(abnormal), paid(both, 'reflective')]).toEqual([1, 1, 1]);
  });

  it('closes the upstream loophole: two steps that say Abnormal, with when and how', () => {
    const loophole = `${writeThink(['a', 'b'])} ${abnormal.slice(abnormal.indexOf('<answer>'))}`;
    expect(paid(loophole)).toBe(0);
    expect(paid(normal.replace('Normal', 'Abnormal'))).toBe(0);
  });

  it('pays nothing for doubled tags, a missing end, or a category for a verdict', () => {
    expect(paid(`${normal} ${normal}`)).toBe(0);
    expect(paid(normal.slice(0, -12))).toBe(0);
    expect(paid(abnormal.replace('<which> Abnormal', '<which> Fire'))).toBe(0);
    expect(paid(abnormal.replace('0.250 , 0.500', '0.500 , 0.250'))).toBe(0);
  });
});
