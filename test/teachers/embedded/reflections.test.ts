import { describe, expect, it } from 'vitest';
import { parseCompletion } from '../../../datasets/answer.js';
import { Reflection, type Draft, type Target } from '../../../datasets/target.js';
import { writeAnswer, writeThink } from '../../../datasets/write-answer.js';
import { reflectOn, type ReflectionResult } from '../../../teachers/embedded/reflections.js';

const normalText = `${writeThink(['a fixed camera shows a grey scene .', 'notes : 0.000 quiet 0.500 quiet 1.000 . nothing moves by .'])} ${writeAnswer({ which: 'Normal', what: 'usual activity', why: 'no event stands out' })}`;
const abnormalText = (what = 'Fire', when: [number, number] = [0.25, 0.5]): string =>
  `${writeThink(['a fixed camera shows a grey scene .', 'notes : 0.000 quiet 0.500 flames 1.000 .', 'flames rise .', 'fire is dangerous .'])} ${writeAnswer({ which: 'Abnormal', what, when, where: 'on the left', why: 'fire is dangerous for people', how: 'call the fire brigade' })}`;

const target = (label: 'Normal' | 'Abnormal'): Target => ({
  sampleId: 's',
  view: 'full',
  frames: [0, 2],
  label,
  category: label === 'Normal' ? null : 'Fire',
  span: label === 'Normal' ? null : [0.25, 0.5],
  words: label === 'Normal' ? ['quiet', 'quiet'] : ['flames', 'quiet'],
  verdict: label === 'Normal' ? normalText : abnormalText(),
  categoryCompletion: '',
});
const draft = (text: string, change: Partial<Draft> = {}): Draft => ({
  sampleId: 's',
  draft: 0,
  text,
  finish: 'stop',
  checkpoint: 'c'.repeat(64),
  seed: 3,
  ...change,
});
const reflect = (text: string, label: 'Normal' | 'Abnormal', change: Partial<Draft> = {}): ReflectionResult =>
  reflectOn({ draft: draft(text, change), target: target(label), seed: 1 });
const good = (text: string, label: 'Normal' | 'Abnormal', seed = 1): Reflection & { said: string } => {
  const result = reflectOn({ draft: draft(text), target: target(label), seed });
  if (result.outcome !== 'ok') throw new Error(result.message);
  const reflection = Reflection.parse(result.reflection);
  const { reflection: said } = parseCompletion(`${reflection.first} ${reflection.rest}`, {
    prompt: 'verdict',
    shape: 'reflective',
  });
  return { ...reflection, said: said! };
};

describe('the sequence', () => {
  it('keeps the draft as it is and ends with the truth', () => {
    const reflection = good(normalText, 'Abnormal');
    expect(reflection).toMatchObject({
      sampleId: 's',
      draft: 0,
      frames: [0, 2],
      label: 'Abnormal',
      span: [0.25, 0.5],
      draftRight: false,
      first: normalText,
      checkpoint: 'c'.repeat(64),
      seed: 3,
    });
    const whole = parseCompletion(`${reflection.first} ${reflection.rest}`, {
      prompt: 'verdict',
      shape: 'reflective',
    });
    expect(whole.formatValid).toBe(true);
    expect(whole.first.verdict).toBe('Normal');
    expect(whole.final).toMatchObject({ verdict: 'Abnormal', span: [0.25, 0.5] });
    expect(reflection.rest.endsWith(abnormalText())).toBe(true);
  });
});

describe('the reflection', () => {
  it('looks again before it judges: from the end, then by place', () => {
    for (const text of [normalText, abnormalText(), 'hm']) {
      expect(good(text, 'Abnormal').said).toMatch(
        /^looking again : quiet flames , left flames , centre quiet , right quiet \. (i answered|my answer|checking)/,
      );
      expect(good(text, 'Normal').said).toMatch(
        /^looking again : quiet quiet , left quiet , centre quiet , right quiet \. /,
      );
    }
  });

  it('names what a missed anomaly is and when', () => {
    expect(good(normalText, 'Abnormal').said).toMatch(
      / \. i answered normal but that is wrong \. i should have noted flames from 0\.250 to 0\.500 , since .* \.$/,
    );
  });

  it('names what a false alarm claimed', () => {
    expect(good(abnormalText(), 'Normal').said).toMatch(
      /answered abnormal but that is wrong \. i noted flames but no part/,
    );
    expect(good(abnormalText('a bin burns'), 'Normal').said).toContain('i noted an event but');
  });

  it('names a wrong time, a missing time and another event', () => {
    expect(good(abnormalText('Fire', [0.75, 1]), 'Abnormal').said).toContain(
      'but the time is off , flames is noted , and it goes from 0.250 to 0.500',
    );
    expect(good(abnormalText().replace('[ 0.250 , 0.500 ]', '[ 1 , 0 ]'), 'Abnormal').said).toContain(
      'but the time is missing',
    );
    expect(good(abnormalText('Explosion'), 'Abnormal').said).toContain('what happens is flames , not blast');
  });

  it('tells a right answer what to look at once more', () => {
    const [a, n] = [good(abnormalText(), 'Abnormal'), good(normalText, 'Normal')];
    expect([a.draftRight, n.draftRight]).toEqual([true, true]);
    expect(a.said).toMatch(
      /(right|holds) \. flames is noted , from 0\.250 to 0\.500 , but the reason can be said more clearly \.$/,
    );
    expect(n.said).toMatch(/(right|holds) \. every part of the video was checked again/);
    expect(new Set(Array.from({ length: 20 }, (_, seed) => good(normalText, 'Normal', seed).said)).size).toBe(
      2,
    );
  });

  it('names a broken form', () => {
    expect(good(normalText.replace('<step2>', ''), 'Normal').said).toContain(
      'the form was broken : a part was missing',
    );
    const twice = abnormalText().replace('<what>', '<which> Normal </which> <what>');
    expect(good(twice, 'Abnormal')).toMatchObject({ draftRight: false });
    expect(good(twice, 'Abnormal').said).toMatch(
      /no clear verdict , and the form was broken : a tag came twice/,
    );
    expect(good('', 'Normal')).toMatchObject({ draftRight: false, first: '' });
  });

  it('has at least twelve words and copies no long run of the first pass', () => {
    for (const text of [normalText, abnormalText(), abnormalText('Explosion', [0.75, 1]), 'hm', '']) {
      for (const label of ['Normal', 'Abnormal'] as const) {
        const words = good(text, label).said.split(' ');
        expect(words.length).toBeGreaterThanOrEqual(12);
        const grams = (list: string[]): string[] =>
          list.slice(3).map((_, i) => list.slice(i, i + 4).join(' '));
        const first = new Set(grams(text.split(' ')));
        const copied = grams(words).filter((gram) => first.has(gram)).length;
        expect(copied / grams(words).length).toBeLessThan(0.2);
      }
    }
  });
});

describe('drafts that cannot begin a sequence', () => {
  it('are rejected with a reason', () => {
    expect(reflect(normalText, 'Normal', { finish: 'length' })).toMatchObject({
      outcome: 'rejected',
      reason: 'truncated-draft',
    });
    expect(reflect(`${normalText} <reflection> hm </reflection>`, 'Normal')).toMatchObject({
      outcome: 'rejected',
      reason: 'draft-reflects',
    });
  });

  it('that swallow the rest are a failure, not an exception', () => {
    const broken = { ...target('Normal'), verdict: 'no grammar' };
    expect(reflectOn({ draft: draft(normalText), target: broken, seed: 1 })).toMatchObject({
      outcome: 'failed',
      reason: 'bad-grammar',
    });
  });

  it('of any text never throw', () => {
    for (const text of [
      '<',
      '<think>',
      '</answer> </answer>',
      '\u0000',
      '<which> Fire </which>',
      'x'.repeat(5000),
    ]) {
      expect(['ok', 'failed']).toContain(reflect(text, 'Abnormal').outcome);
    }
  });
});
