import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import { Random } from '../../core/random.js';
import { completionShapes, parseCompletion, type ParsedCompletion } from '../../datasets/answer.js';
import {
  countWords,
  formatSpan,
  withoutReasoning,
  withoutReflection,
  writeAnswer,
  writeReflection,
  writeThink,
} from '../../datasets/write-answer.js';

const normal =
  writeThink(['a fixed camera shows a grey scene .', 'one thing moves by . nothing breaks the rules .']) +
  ' ' +
  writeAnswer({ which: 'Normal', what: 'usual activity', why: 'no event stands out' });

const abnormal =
  writeThink([
    'a fixed camera shows a grey scene .',
    'something stands out .',
    'orange flames rise .',
    'it burns .',
  ]) +
  ' ' +
  writeAnswer({
    which: 'Abnormal',
    what: 'Fire',
    when: [0.125, 0.5],
    where: 'on the left',
    why: 'fire is dangerous',
    how: 'call the fire brigade',
  });

const verdict = (text: string): ParsedCompletion =>
  parseCompletion(text, { prompt: 'verdict', shape: 'single' });
const reflective = (text: string): ParsedCompletion =>
  parseCompletion(text, { prompt: 'verdict', shape: 'reflective' });

describe('writer', () => {
  it('writes the grammar with single spaces', () => {
    expect(normal).toMatchInlineSnapshot(
      `"<think> <step1> a fixed camera shows a grey scene . </step1> <step2> one thing moves by . nothing breaks the rules . </step2> </think> <answer> <which> Normal </which> <what> usual activity </what> <why> no event stands out </why> </answer>"`,
    );
    expect(abnormal).toContain('<when> [ 0.125 , 0.500 ] </when> <where> on the left </where>');
    expect(formatSpan([0, 1])).toBe('[ 0.000 , 1.000 ]');
    expect(writeReflection('  look \n again ')).toBe('<reflection> look again </reflection>');
  });
});

describe('single pass, verdict', () => {
  it('reads what the writer writes', () => {
    expect(verdict(normal)).toMatchObject({
      formatValid: true,
      final: { outcome: 'ok', verdict: 'Normal', what: 'usual activity', span: null, how: null },
    });
    const read = verdict(abnormal);
    expect(read.formatValid).toBe(true);
    expect(read.final).toEqual({
      outcome: 'ok',
      verdict: 'Abnormal',
      category: 'Fire',
      which: 'Abnormal',
      what: 'Fire',
      span: [0.125, 0.5],
      where: 'on the left',
      why: 'fire is dangerous',
      how: 'call the fire brigade',
    });
    expect(read.first).toBe(read.final);
    expect(read.passes[0]!.steps[2]).toBe('orange flames rise .');
  });

  it('does not mind white space around tags, or its absence', () => {
    for (const text of [
      abnormal.replaceAll(/> /g, '>').replaceAll(/ </g, '<'),
      abnormal.replaceAll(' ', '\n'),
      `\n ${abnormal}\t`,
    ]) {
      expect(verdict(text)).toMatchObject({ formatValid: true, final: { span: [0.125, 0.5] } });
    }
  });

  it('allows prose between the answer tags only', () => {
    const prose = abnormal.replace(
      '<answer> <which>',
      '<answer> The anomaly category of the video is <which>',
    );
    expect(verdict(prose).formatValid).toBe(true);
    for (const broken of [
      `well ${abnormal}`,
      `${abnormal} .`,
      abnormal.replace('<step2>', 'then <step2>'),
      abnormal.replace('<answer>', 'so <answer>'),
    ]) {
      expect(verdict(broken)).toMatchObject({ formatValid: false, final: { verdict: 'Abnormal' } });
    }
  });

  it('closes the loophole of the lazy normal pattern', () => {
    const think = writeThink(['a scene .', 'flames .']);
    const answer = writeAnswer({
      which: 'Abnormal',
      what: 'Fire',
      when: [0, 0.5],
      where: 'left',
      why: 'hot',
      how: 'run',
    });
    const lazy = `${think} ${answer}`;
    // The upstream pattern, which this text satisfies.
    expect(lazy).toMatch(
      /<think>.*?<step1>.*?<\/step1>.*?<step2>.*?<\/step2>.*?<\/think>.*?<answer>.*?<which>.*?<\/which>.*?<what>.*?<\/what>.*?<why>.*?<\/why>.*?<\/answer>/s,
    );
    expect(verdict(lazy)).toMatchObject({ formatValid: false, final: { verdict: 'Abnormal' } });
    expect(verdict(abnormal.replace('<which> Abnormal', '<which> Normal'))).toMatchObject({
      formatValid: false,
      final: { verdict: 'Normal', span: null },
    });
    expect(verdict(normal.replace('<which> Normal', '<which> Abnormal')).formatValid).toBe(false);
  });

  it.each([
    ['[ 0.5 , 0.5 ]', null],
    ['[ 0.6 , 0.5 ]', null],
    ['[ 0.5 , 1.001 ]', null],
    ['[ -0.1 , 0.5 ]', null],
    ['[ 0.1 , 0.5', null],
    ['0.1 , 0.5', null],
    ['[ 0.1 , 0.5 , 0.6 ]', null],
    ['[ a , b ]', null],
    ['[0,1]', [0, 1]],
    ['[.25,.5]', [0.25, 0.5]],
    ['[0.000, 0.998]', [0, 0.998]],
  ])('when %s', (when, span) => {
    const read = verdict(abnormal.replace('[ 0.125 , 0.500 ]', when));
    expect(read.final.span).toEqual(span);
    expect(read.formatValid).toBe(span !== null);
    expect(read.final.verdict).toBe('Abnormal');
  });

  it('makes a repeated tag unparsable', () => {
    for (const text of [
      abnormal.replace('<what>', '<which> Normal </which> <what>'),
      `${normal} ${normal}`,
      normal.replace('<step2>', '<step1>'),
      normal.replace('</answer>', '</answer> </answer>'),
    ]) {
      expect(verdict(text)).toMatchObject({
        formatValid: false,
        final: { outcome: 'repeated-tag', verdict: null, which: null },
      });
    }
  });

  it('names the outcome of every other <which>', () => {
    const outcome = (which: string): string =>
      verdict(abnormal.replace('> Abnormal <', `> ${which} <`)).final.outcome;
    expect(outcome('Fire')).toBe('category-for-verdict');
    expect(outcome('Red Lgiht Violation')).toBe('category-for-verdict');
    expect(outcome('abnormal')).toBe('not-a-verdict');
    expect(outcome('maybe')).toBe('not-a-verdict');
    expect(outcome('')).toBe('missing-which');
    expect(verdict(abnormal.replace('</which>', '')).final.outcome).toBe('missing-which');
    expect(verdict('').final.outcome).toBe('missing-which');
  });

  it('refuses missing, empty, unknown and misplaced parts', () => {
    for (const broken of [
      abnormal.replace('<where> on the left </where>', ''),
      abnormal.replace('on the left', ' '),
      abnormal.replace('<what> Fire </what>', '<what> <loc> Fire </what>'),
      abnormal.replace(/(<what>.*<\/what>) (<when>.*<\/when>)/, '$2 $1'),
      abnormal.replace(/<step4>.*<\/step4>/, ''),
      abnormal.slice(0, -10),
      abnormal.replace('<think>', '').replace('</think>', ''),
    ]) {
      expect(verdict(broken)).toMatchObject({ formatValid: false, final: { verdict: 'Abnormal' } });
    }
  });

  it('reads a verdict that was cut off behind <which>', () => {
    const cut = abnormal.slice(0, abnormal.indexOf('</which>') + 8);
    expect(verdict(cut)).toMatchObject({ formatValid: false, final: { outcome: 'ok', verdict: 'Abnormal' } });
  });
});

describe('single pass, category', () => {
  const category = (text: string): ParsedCompletion =>
    parseCompletion(text, { prompt: 'category', shape: 'single' });

  it('wants a leaf of the taxonomy, Normal, or Abnormal when nothing finer is known', () => {
    const fire = abnormal.replace('> Abnormal <', '> Fire <').replace('> Fire </what>', '> flames </what>');
    expect(category(fire)).toMatchObject({
      formatValid: true,
      final: { verdict: 'Abnormal', category: 'Fire', which: 'Fire' },
    });
    expect(category(normal)).toMatchObject({
      formatValid: true,
      final: { verdict: 'Normal', category: null },
    });
    expect(category(abnormal).final.verdict).toBe('Abnormal');
    expect(category(abnormal.replace('> Abnormal <', '> Dancing <'))).toMatchObject({
      formatValid: false,
      final: { outcome: 'not-a-category', verdict: null },
    });
  });
});

describe('reflective', () => {
  const reflection = '<reflection> i said normal , but i missed the flames </reflection>';
  const both = `${normal} ${reflection} ${abnormal}`;

  it('reads first answer, reflection and final answer', () => {
    const read = reflective(both);
    expect(read.formatValid).toBe(true);
    expect(read.passes).toHaveLength(2);
    expect(read.first.verdict).toBe('Normal');
    expect(read.final).toMatchObject({ verdict: 'Abnormal', span: [0.125, 0.5] });
    expect(read.reflection).toBe('i said normal , but i missed the flames');
    expect(read.words).toBe(countWords(normal) + countWords(abnormal) + 8);
  });

  it('is no single pass, and a single pass is not reflective', () => {
    expect(verdict(both).final.outcome).toBe('repeated-tag');
    expect(reflective(normal)).toMatchObject({
      formatValid: false,
      first: { verdict: 'Normal' },
      final: { outcome: 'missing-pass', verdict: null },
    });
  });

  it('reads both passes when the reflection is missing, empty or open', () => {
    for (const middle of ['', '<reflection> </reflection>', '<reflection> hm']) {
      expect(reflective(`${normal} ${middle} ${abnormal}`)).toMatchObject({
        formatValid: false,
        reflection: null,
        first: { verdict: 'Normal' },
        final: { verdict: 'Abnormal' },
      });
    }
  });

  it('keeps the reflection of a completion that was cut off', () => {
    expect(reflective(`${normal} ${reflection}`)).toMatchObject({
      reflection: 'i said normal , but i missed the flames',
      final: { outcome: 'missing-pass' },
    });
    expect(reflective(`${normal} ${reflection} <think> <step1> a`)).toMatchObject({
      final: { outcome: 'missing-which' },
    });
  });

  it('refuses a third pass, two reflections, and text between the parts', () => {
    expect(reflective(`${both} ${abnormal}`).final.outcome).toBe('repeated-tag');
    expect(reflective(`${normal} ${reflection} ${reflection} ${abnormal}`).final.outcome).toBe(
      'repeated-tag',
    );
    expect(reflective(`${normal} hm ${reflection} ${abnormal}`).formatValid).toBe(false);
    expect(
      reflective(`${normal} <reflection> <which> Normal </which> </reflection> ${abnormal}`),
    ).toMatchObject({ reflection: null, formatValid: false, final: { verdict: 'Abnormal' } });
  });
});

describe('two passes without a reflection', () => {
  const twoPass = (text: string) => parseCompletion(text, { prompt: 'verdict', shape: 'two-pass' });

  it('are cut at the second <think>, and any mark of a reflection is against the grammar', () => {
    expect(twoPass(`${normal} ${abnormal}`)).toMatchObject({
      formatValid: true,
      reflection: null,
      first: { verdict: 'Normal' },
      final: { verdict: 'Abnormal' },
    });
    expect(twoPass(`${normal} <reflection> i missed it </reflection> ${abnormal}`)).toMatchObject({
      formatValid: false,
      final: { verdict: 'Abnormal' },
    });
    expect(twoPass(`${normal} <reflection> hm ${abnormal}`).formatValid).toBe(false);
    expect(twoPass(normal)).toMatchObject({ formatValid: false, final: { outcome: 'missing-pass' } });
    expect(twoPass(`${normal} ${abnormal} ${normal}`).formatValid).toBe(false);
  });
});

describe('an answer without reasoning', () => {
  const direct = (text: string) => parseCompletion(text, { prompt: 'verdict', shape: 'direct' });
  const answerOf = (pass: string) => pass.slice(pass.indexOf('<answer>'));

  it('is the answer block alone', () => {
    expect(direct(answerOf(abnormal))).toMatchObject({ formatValid: true, final: { verdict: 'Abnormal' } });
    expect(direct(answerOf(normal))).toMatchObject({ formatValid: true, final: { verdict: 'Normal' } });
    expect(direct(abnormal)).toMatchObject({ formatValid: false, final: { verdict: 'Abnormal' } });
    expect(verdict(answerOf(normal)).formatValid).toBe(false);
  });

  it('is what is left of a pass without its <think>', () => {
    expect(withoutReasoning(abnormal)).toBe(answerOf(abnormal));
    expect(withoutReasoning(answerOf(abnormal))).toBe(answerOf(abnormal));
    expect(withoutReflection(`<reflection> i missed it </reflection> ${normal}`)).toBe(normal);
  });
});

describe('any text', () => {
  it('never throws, and valid format always comes with a verdict', () => {
    const pieces = (
      `${abnormal} ${normal} <reflection> </reflection> <loc> < > [ ] , . Normal Abnormal Fire 0.5 1 -1 NaN ` +
      '\u200b 火 <|im_end|> </ <which <which>> $& \\ "'
    ).split(' ');
    for (let seed = 0; seed < 3000; seed++) {
      const random = Random.from(seed, 'fuzz');
      let text: string;
      if (random.chance(0.5)) {
        text = Array.from({ length: random.integer(60) }, () => random.choice(pieces)).join(
          random.chance(0.9) ? ' ' : '',
        );
      } else {
        const words = `${normal} <reflection> hm </reflection> ${abnormal}`.split(' ');
        for (let edits = random.integer(4); edits >= 0; edits--) {
          const at = random.integer(words.length);
          const kind = random.integer(3);
          if (kind === 0) words.splice(at, 1);
          else if (kind === 1) words.splice(at, 0, random.choice(pieces));
          else words[at] = random.choice(pieces);
        }
        text = words.join(' ');
      }
      for (const prompt of ['verdict', 'category'] as const) {
        for (const shape of completionShapes) {
          const read = parseCompletion(text, { prompt, shape });
          for (const answer of [read.first, read.final]) {
            expect(answer.verdict !== null).toBe(answer.outcome === 'ok');
            if (answer.span !== null) {
              expect(answer.verdict).toBe('Abnormal');
              expect(answer.span[0]).toBeLessThan(answer.span[1]);
            }
            if (read.formatValid) expect(answer.outcome).toBe('ok');
          }
          if (read.formatValid && read.final.verdict === 'Abnormal') expect(read.final.span).not.toBeNull();
        }
      }
    }
  });

  it('reads a long hostile text quickly', () => {
    const text = '<which> '.repeat(20_000) + '<'.repeat(20_000) + ' [ 0.1 , '.repeat(20_000);
    const start = performance.now();
    expect(verdict(text).final.outcome).toBe('repeated-tag');
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

const released = join(packageRoot, '../shared/data/annotations/vad-reasoning/SFT-train.first400.jsonl');
describe.skipIf(!existsSync(released))('released Vad-Reasoning targets', () => {
  const rows = existsSync(released)
    ? readFileSync(released, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map(
          (line) =>
            JSON.parse(line) as { think: string; answer: string; start: number; total_frames: number },
        )
    : [];

  it('all match the grammar under the category prompt', () => {
    const lengths = rows.map((row) => {
      const read = parseCompletion(`${row.think} ${row.answer}`, { prompt: 'category', shape: 'single' });
      expect(read.formatValid, row.answer).toBe(true);
      expect(read.final.span![0]).toBeCloseTo(row.start / row.total_frames, 2);
      return read.words;
    });
    lengths.sort((a, b) => a - b);
    expect([lengths[40], lengths[360]]).toEqual([287, 369]);
  });
});
