import { describe, expect, it } from 'vitest';
import { Random } from '../../../core/random.js';
import { countWords } from '../../../datasets/write-answer.js';
import { parseCompletion } from '../../../datasets/answer.js';
import { targetOf } from '../../../datasets/interval.js';
import type { Sample, Span } from '../../../datasets/sample.js';
import { Target } from '../../../datasets/target.js';
import { categories } from '../../../datasets/taxonomy.js';
import { captionVideo, type CaptionRecord } from '../../../teachers/embedded/captions.js';
import { phrasesFor } from '../../../teachers/embedded/phrases.js';
import { reasonAbout, type ReasoningInput } from '../../../teachers/embedded/reasoning.js';
import { poolIndices, uniformIndices } from '../../../video/sampling.js';
import { blue, drawnFrames, red } from './drawn-frames.js';

/** One thing walks to the right at the bottom; in [.25, .5) a second one stands on the right. */
const captions = captionVideo(
  's',
  drawnFrames(16, (i) => [
    { x: 3 + 4 * i, y: 42, width: 8, height: 8, colour: blue },
    ...(i >= 4 && i < 8 ? [{ x: 66, y: 12, width: 14, height: 14, colour: red }] : []),
  ]),
);
const sample = (change: Partial<Sample> = {}): Sample => {
  const spans: Span[] = change.spans ?? [[0.25, 0.5]];
  return {
    id: 's',
    video: 'a'.repeat(64),
    group: 's',
    split: 'sft',
    label: 'Abnormal',
    category: 'Fire',
    spans,
    target: targetOf(spans),
    place: null,
    description: null,
    reasoning: null,
    frames: 32,
    fps: 8,
    width: 84,
    height: 56,
    ...change,
  };
};
const normal = (id = 's'): Sample => sample({ id, label: 'Normal', category: null, spans: [], target: null });
const input = (change: Partial<ReasoningInput> = {}): ReasoningInput => ({
  sample: sample(),
  captions,
  policyFrames: uniformIndices(32, 16),
  poolFrames: poolIndices(32, 64),
  trimmedViews: 0,
  seed: 1,
  ...change,
});
const write = (change: Partial<ReasoningInput> = {}): Target[] => {
  const result = reasonAbout(input(change));
  if (result.outcome !== 'ok') throw new Error(result.message);
  return result.targets.map((target) => Target.parse(target));
};
const read = (text: string, prompt: 'verdict' | 'category' = 'verdict') =>
  parseCompletion(text, { prompt, shape: 'single' });

describe('the full view of a normal video', () => {
  const [target] = write({ sample: normal() });

  it('has two steps and three answer fields, from pixels only', () => {
    expect(target!.verdict).toMatchInlineSnapshot(
      `"<think> <step1> the fixed camera watches a bright scene , grey above and grey below . </step1> <step2> notes : 0.000 quiet 0.125 quiet 0.250 quiet 0.375 quiet 0.500 quiet 0.625 quiet 0.750 quiet 0.875 quiet 1.000 . one thing moves by . nothing breaks the rules . </step2> </think> <answer> <which> Normal </which> <what> everyday movement </what> <why> all behaviour is expected </why> </answer>"`,
    );
    expect(read(target!.verdict)).toMatchObject({ formatValid: true, final: { verdict: 'Normal' } });
  });

  it('says the same under both prompts', () => {
    expect(target!.categoryCompletion).toBe(target!.verdict);
    expect(target).toMatchObject({ view: 'full', label: 'Normal', category: null, span: null });
    expect(target!.words).toEqual(Array.from({ length: 8 }, () => 'quiet'));
  });
});

describe('the full view of an abnormal video', () => {
  const [target] = write();

  it('has four steps and six answer fields', () => {
    expect(target!.verdict).toMatchInlineSnapshot(
      `"<think> <step1> the fixed camera watches a bright scene , grey above and grey below . </step1> <step2> notes : 0.000 quiet 0.125 quiet 0.250 flames 0.375 flames 0.500 quiet 0.625 quiet 0.750 quiet 0.875 quiet 1.000 . one thing moves by . but something stands out on the right . </step2> <step3> from 0.250 to 0.500 flames and smoke rise . </step3> <step4> it is abnormal because burning puts people in danger . </step4> </think> <answer> <which> Abnormal </which> <what> Fire </what> <when> [ 0.250 , 0.500 ] </when> <where> on the right </where> <why> burning puts people in danger </why> <how> call the fire brigade </how> </answer>"`,
    );
    expect(read(target!.verdict)).toMatchObject({
      formatValid: true,
      final: { verdict: 'Abnormal', category: 'Fire', span: [0.25, 0.5] },
    });
  });

  it('names the category under the category prompt', () => {
    const { final, formatValid } = read(target!.categoryCompletion, 'category');
    expect(formatValid).toBe(true);
    expect(final).toMatchObject({ which: 'Fire', category: 'Fire', span: [0.25, 0.5] });
    expect(phrasesFor('Fire').seen).toContain(final.what);
  });

  it('measures the place where nobody named one, and uses the tag where somebody did', () => {
    expect(read(target!.verdict).final.where).toBe('on the right');
    expect(read(write({ sample: sample({ place: 'the upper lane' }) })[0]!.verdict).final.where).toBe(
      'at the upper lane',
    );
  });

  it('tells the event in the annotator’s words where there are some', () => {
    const [described] = write({ sample: sample({ description: 'A bin, on the right, BURNS <b>.' }) });
    const { passes } = read(described!.verdict);
    expect(passes[0]!.steps[2]).toBe('from 0.250 to 0.500 a bin , on the right , burns b .');
    expect(read(described!.categoryCompletion, 'category').final.what).toBe('a bin , on the right , burns b');
  });

  it('perceives without judging: the first step speaks of the scene, the second does not say why', () => {
    const { passes } = read(target!.verdict);
    expect(passes[0]!.steps[0]).not.toMatch(/flames|abnormal|danger/);
    expect(passes[0]!.steps[1]).not.toMatch(/abnormal|danger|because/);
    expect(passes[0]!.steps[1]).toContain('0.250 flames 0.375 flames 0.500 quiet');
    expect(passes[0]!.steps[3]).toContain('because');
  });
});

describe('perception words', () => {
  it('carry the category inside, and flicker or quiet outside', () => {
    const flicker = captionVideo(
      's',
      drawnFrames(16, () => [], { gain: (i) => (i === 4 || i === 13 ? 0.6 : 1) }),
    );
    const [target] = write({ captions: flicker });
    expect(target!.words).toEqual([
      'quiet',
      'quiet',
      'flames',
      'flames',
      'quiet',
      'quiet',
      'flicker',
      'quiet',
    ]);
    expect(target!.verdict).toContain('the lights flicker');
  });

  it('are stamped at the borders that <when> copies, whatever the number of frames', () => {
    for (const count of [8, 12, 16, 32]) {
      const [target] = write({
        policyFrames: uniformIndices(96, count),
        captions: { ...captions, frameCount: 96 },
      });
      expect(target!.words).toHaveLength(count / 2);
      const { final, passes } = read(target!.verdict);
      const stamps = passes[0]!.steps[1]!.match(/\d\.\d{3}/g)!;
      expect(stamps).toHaveLength(count / 2 + 1);
      expect(target!.span).toEqual(final.span);
      for (const time of final.span!) expect(stamps).toContain(time.toFixed(3));
    }
  });
});

describe('trimmed views', () => {
  const spans: Span[] = [[0.25, 0.5]];

  it('are relabelled: Normal where the anomaly is gone, else with the span in the view', () => {
    const labels = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      for (const target of write({ trimmedViews: 2, seed }).slice(1)) {
        labels.add(target.label);
        const inside = target.frames.map((frame) => frame / 32 >= 0.25 && frame / 32 < 0.5);
        expect(target.label).toBe(inside.includes(true) ? 'Abnormal' : 'Normal');
        if (target.span !== null) {
          expect(target.span[0]).toBe(Math.floor(inside.indexOf(true) / 2) / 8);
          expect(target.span[1]).toBe((Math.floor(inside.lastIndexOf(true) / 2) + 1) / 8);
        } else expect(target.category).toBeNull();
      }
    }
    expect([...labels].sort()).toEqual(['Abnormal', 'Normal']);
  });

  it('of a normal video stay normal', () => {
    const targets = write({ sample: normal(), trimmedViews: 3 });
    expect(targets.map((t) => [t.view, t.label])).toEqual([
      ['full', 'Normal'],
      ['trim-0', 'Normal'],
      ['trim-1', 'Normal'],
      ['trim-2', 'Normal'],
    ]);
  });

  it('do not change what the full view says', () => {
    expect(write({ trimmedViews: 3 })[0]).toEqual(write()[0]);
    expect(spans).toEqual([[0.25, 0.5]]);
  });
});

describe('several spans', () => {
  it('are all perceived; <when> names the hull or the longest', () => {
    const [near] = write({
      sample: sample({
        spans: [
          [0.125, 0.25],
          [0.375, 0.5],
        ],
      }),
    });
    expect(near!.words.join(' ')).toBe('quiet flames quiet flames quiet quiet quiet quiet');
    expect(near!.span).toEqual([0.125, 0.5]);
    const [far] = write({
      sample: sample({
        spans: [
          [0, 0.125],
          [0.75, 1],
        ],
      }),
    });
    expect(far!.span).toEqual([0.75, 1]);
  });
});

describe('every category', () => {
  it.each([...categories, null])('%s gives valid texts with the right span', (category) => {
    for (let seed = 0; seed < 5; seed++) {
      for (const target of write({ sample: sample({ category }), trimmedViews: 1, seed })) {
        const verdict = read(target.verdict);
        const fine = read(target.categoryCompletion, 'category');
        expect(verdict.formatValid && fine.formatValid).toBe(true);
        expect(verdict.final).toMatchObject({ verdict: target.label, span: target.span });
        expect(fine.final.category).toBe(target.label === 'Normal' ? null : category);
        if (target.label === 'Abnormal') expect(target.words).toContain(phrasesFor(category).word);
      }
    }
  });
});

describe('length and vocabulary', () => {
  const scenes: CaptionRecord[] = Array.from({ length: 20 }, (_, k) => {
    const random = Random.from(k, 'scene');
    const grey = random.uniform(30, 170);
    return captionVideo(
      `s${k}`,
      drawnFrames(
        16,
        (i) =>
          Array.from({ length: k % 4 }, (_, j) => ({
            x: (5 * i + 20 * j) % 80,
            y: 8 + 12 * j,
            width: 9,
            height: 9,
            colour: red,
          })),
        { background: [grey, grey, grey], gain: (i) => (k % 5 === 0 && i === 9 ? 0.6 : 1) },
      ),
    );
  });
  const texts = (chosen: readonly (string | null)[]): { normal: string[]; abnormal: string[] } => {
    const all = { normal: [] as string[], abnormal: [] as string[] };
    for (let k = 0; k < 500; k++) {
      const random = Random.from(k, 'sample');
      const start = random.uniform(0.04, 0.5);
      const one = random.chance(0.5)
        ? normal(`s${k}`)
        : sample({
            id: `s${k}`,
            category: random.choice(chosen),
            spans: [[start, start + random.uniform(0.15, 0.45)]],
          });
      for (const target of write({ sample: one, captions: scenes[k % 20]!, trimmedViews: 1 })) {
        (target.label === 'Normal' ? all.normal : all.abnormal).push(
          target.verdict,
          target.categoryCompletion,
        );
      }
    }
    return all;
  };
  const tokens = (text: string): string[] => text.split(' ');
  const mean = (list: string[], size: (text: string) => number): number =>
    list.reduce((sum, text) => sum + size(text), 0) / list.length;

  const tried = texts([
    'Fire',
    'Explosion',
    'Falling',
    'Fighting',
    'Wrong-Way Driving',
    'Traffic Accidents',
    'Falling Objects',
    'Obstacles on Road',
  ]);
  const whole = texts(categories);

  it('stay near the recipe that was tried: 66 and 110 tokens, 245 words for eight categories', () => {
    const { normal: n, abnormal: a } = tried;
    expect(mean(n, (text) => tokens(text).length)).toBeGreaterThan(60);
    expect(mean(n, (text) => tokens(text).length)).toBeLessThan(72);
    expect(mean(a, (text) => tokens(text).length)).toBeGreaterThan(104);
    expect(mean(a, (text) => tokens(text).length)).toBeLessThan(118);
    expect(mean(n, countWords)).toBeLessThan(mean(a, countWords));
    const vocabulary = new Set([...n, ...a].flatMap(tokens));
    expect(vocabulary.size).toBeGreaterThan(150);
    expect(vocabulary.size).toBeLessThan(245);
  });

  it('keep the vocabulary under 600 words for the whole taxonomy', () => {
    expect(new Set([...whole.normal, ...whole.abnormal].flatMap(tokens)).size).toBeLessThan(600);
  });

  it('put the perception line at the same place in every text, so that its distance to the video is constant', () => {
    const places = [...tried.normal, ...tried.abnormal, ...whole.normal, ...whole.abnormal].map((text) =>
      tokens(text).indexOf('notes'),
    );
    expect(new Set(places).size).toBe(1);
  });
});

describe('a reasoning text that came with the annotation', () => {
  const own = {
    think:
      '<think><step1>A yard.</step1> <step2>Flames appear.</step2> <step3>A fire.</step3> <step4>It may spread.</step4></think>',
    answer:
      '<answer>The category is <which>Fire</which>: <what>a shed burns</what> in <when>[0.250, 0.5]</when>, <where>left</where>, <why>$& it should not</why>, <how>people may be hurt</how>.</answer>',
  };

  it('is used for the full view, with <which> as each prompt asks', () => {
    const [full, trimmed] = write({ sample: sample({ reasoning: own }), trimmedViews: 1 });
    expect(full!.verdict).toBe(`${own.think} ${own.answer.replace('>Fire<', '>Abnormal<')}`);
    expect(full!.categoryCompletion).toBe(`${own.think} ${own.answer}`);
    expect(full!.span).toEqual([0.25, 0.5]);
    expect(full!.words.slice(1, 4)).toEqual(['quiet', 'flames', 'flames']);
    expect(trimmed!.verdict).toContain('notes :');
  });

  it('names the cleaned category', () => {
    const [full] = write({
      sample: sample({
        category: 'Animals Hurting Human',
        reasoning: { ...own, answer: own.answer.replace('>Fire<', '>Animals Hurt Human<') },
      }),
    });
    expect(full!.categoryCompletion).toContain('<which>Animals Hurting Human</which>');
  });

  it('gets the span of the sample where it names another', () => {
    const [full] = write({ sample: sample({ reasoning: own, spans: [[0.3333333, 0.75]] }) });
    expect(full!.span).toEqual([0.333, 0.75]);
    expect(full!.verdict).toContain('<when>[ 0.333 , 0.750 ]</when>');
  });

  it('gives its span to a sample that has none', () => {
    const [full] = write({ sample: sample({ reasoning: own, spans: [], target: null }) });
    expect(full!.span).toEqual([0.25, 0.5]);
    expect(full!.words[2]).toBe('flames');
  });

  it('is used on Normal too', () => {
    const reasoning = {
      think: '<think><step1>A yard.</step1> <step2>Nobody.</step2></think>',
      answer: '<answer><which>Normal</which> <what>a yard</what> <why>as always</why></answer>',
    };
    const [full] = write({ sample: { ...normal(), reasoning } });
    expect(full!.verdict).toBe(`${reasoning.think} ${reasoning.answer}`);
  });

  it('that is not the grammar is an outcome, not an exception', () => {
    expect(
      reasonAbout(input({ sample: sample({ reasoning: { ...own, think: '<think>hm</think>' } }) })),
    ).toMatchObject({ outcome: 'failed', reason: 'bad-grammar' });
  });
});

describe('outcomes', () => {
  it('rejects an Abnormal sample without a span', () => {
    expect(reasonAbout(input({ sample: sample({ spans: [], target: null }) }))).toMatchObject({
      outcome: 'rejected',
      reason: 'no-span',
    });
  });

  it('is the same for the same seed, and varies with it', () => {
    expect(write({ trimmedViews: 2 })).toEqual(write({ trimmedViews: 2 }));
    const variants = new Set(Array.from({ length: 20 }, (_, seed) => write({ seed })[0]!.verdict));
    expect(variants.size).toBeGreaterThan(5);
  });
});
