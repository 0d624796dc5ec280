import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import type { Span } from '../../datasets/sample.js';
import type { Target } from '../../datasets/target.js';
import { categories } from '../../datasets/taxonomy.js';
import { writeAnswer, writeThink } from '../../datasets/write-answer.js';
import { phrasesFor } from '../../teachers/embedded/phrases.js';
import { reflectionVocabulary } from '../../teachers/embedded/reflection-vocabulary.js';
import { reflectOn } from '../../teachers/embedded/reflections.js';

const steps = ['one', 'two', 'three', 'four'] as const;
const fields = { what: 'x', where: 'x', why: 'x', how: 'x' };
const normal = `${writeThink(['one', 'two'])} ${writeAnswer({ which: 'Normal', what: 'x', why: 'x' })}`;
const abnormal = (what: string, when: Span): string =>
  `${writeThink(steps)} ${writeAnswer({ which: 'Abnormal', ...fields, what, when })}`;

/** Words outside tags. */
const words = (text: string): string[] =>
  text
    .replace(/<[^>]*>/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');

describe('reflectionVocabulary', () => {
  it('holds every word that a reflection adds to what the targets say', () => {
    const known = new Set(words(reflectionVocabulary.join(' ')));
    const random = Random.from(1, 'vocabulary');
    const seen = new Set<string>();
    for (let i = 0; i < 600; i++) {
      const label = random.chance(0.5) ? 'Normal' : 'Abnormal';
      const category = label === 'Normal' ? null : random.choice(categories);
      const span: Span | null = label === 'Normal' ? null : [0.25, 0.5];
      const verdict = category === null ? normal : abnormal(category, span!);
      const target: Target = {
        sampleId: `s${i}`,
        view: 'full',
        frames: [0, 1],
        label,
        category,
        span,
        words: ['quiet'],
        verdict,
        categoryCompletion: verdict,
      };
      const first = random.choice([
        normal,
        abnormal(
          random.choice(categories),
          random.choice<Span>([
            [0.25, 0.5],
            [0.625, 0.875],
          ]),
        ),
        'no tags at all',
        normal.replace('</think>', ''),
        `${normal} <which> Normal </which>`,
      ]);
      const draft = {
        sampleId: target.sampleId,
        draft: 0,
        text: first,
        finish: 'stop',
        checkpoint: 'c',
        seed: 1,
      } as const;
      const result = reflectOn({ draft, target, seed: i });
      if (result.outcome !== 'ok') continue;
      const reflection = /<reflection>(.*?)<\/reflection>/s.exec(result.reflection.rest)![1]!;
      const said = new Set([
        ...words(verdict),
        ...categories.flatMap((one) => [phrasesFor(one).word, ...phrasesFor(one).why].flatMap(words)),
      ]);
      for (const word of words(reflection)) {
        seen.add(word);
        if (!said.has(word) && !/^[01]\.\d{3}$/.test(word)) expect(known).toContain(word);
      }
    }
    // The drafts above reach all kinds of reflection: else this test would prove nothing.
    for (const word of ['twice', 'missing', 'off', 'verdict', 'clearly', 'checked'])
      expect(seen).toContain(word);
  });
});
