import { expect, it } from 'vitest';
import type { Target } from '../../../datasets/target.js';
import { writeAnswer, writeThink } from '../../../datasets/write-answer.js';
import { secondLook } from '../../../teachers/embedded/second-look.js';

const steps = ['one', 'two', 'three', 'four'] as const;
const target = (where: string | null, words: string[], category: string | null = 'Fire'): Target => {
  const answer =
    where === null
      ? `${writeThink(['one', 'two'])} ${writeAnswer({ which: 'Normal', what: 'x', why: 'x' })}`
      : `${writeThink(steps)} ${writeAnswer({ which: 'Abnormal', what: 'Fire', when: [0.5, 1], where, why: 'x', how: 'x' })}`;
  return {
    sampleId: 's',
    view: 'full',
    frames: [0, 1],
    label: where === null ? 'Normal' : 'Abnormal',
    category: where === null ? null : category,
    span: where === null ? null : [0.5, 1],
    words,
    verdict: answer,
    categoryCompletion: answer,
  };
};

it('reads the perception words from the end and names the third where the event is', () => {
  expect(secondLook(target('on the right', ['quiet', 'flames', 'flicker']))).toBe(
    'flicker flames quiet , left quiet , centre quiet , right flames',
  );
  expect(secondLook(target('in the centre', ['flames']))).toContain(
    'left quiet , centre flames , right quiet',
  );
});

it('puts an event anywhere that is said to be at no third of the picture', () => {
  expect(secondLook(target('in the picture', ['flames']))).toBe(
    'flames , left flames , centre flames , right flames',
  );
  expect(secondLook(target('near the gate', ['event'], null))).toBe(
    'event , left event , centre event , right event',
  );
});

it('sees nothing in a normal video, wherever it looks', () => {
  expect(secondLook(target(null, ['quiet', 'flicker']))).toBe(
    'flicker quiet , left quiet , centre quiet , right quiet',
  );
});
