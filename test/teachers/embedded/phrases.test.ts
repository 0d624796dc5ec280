import { expect, it } from 'vitest';
import { categories } from '../../../datasets/taxonomy.js';
import { stateWords } from '../../../teachers/embedded/measure.js';
import { eventPhrases, phrasesFor, unnamedEvent } from '../../../teachers/embedded/phrases.js';

it('has phrases for all leaves, each with a perception word of its own', () => {
  expect(Object.keys(eventPhrases).sort()).toEqual([...categories].sort());
  const words = [...Object.values(eventPhrases), unnamedEvent].map(({ word }) => word);
  expect(new Set(words).size).toBe(38);
  for (const word of words) {
    expect(word).toMatch(/^[a-z]+$/);
    expect(stateWords).not.toContain(word);
  }
});

it('is plain: lower case, no markup, no stop, few words', () => {
  for (const category of [...categories, null]) {
    const { seen, why, how } = phrasesFor(category);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(why.length).toBeGreaterThanOrEqual(2);
    for (const phrase of [...seen, ...why, ...how]) {
      expect(phrase).toMatch(/^[a-z]+( [a-z]+)*$/);
      expect(phrase.split(' ').length).toBeLessThanOrEqual(9);
    }
  }
});
