import { describe, expect, it } from 'vitest';
import { trainWordTokenizer } from '../../policy/word-tokenizer.js';
import { learnsFirstPass, reflectiveCompletion } from '../../training/reflective-sequences.js';

const first = '<think> a b </think> <answer> c </answer>';
const rest = '<reflection> no </reflection> <think> d </think> <answer> e </answer>';
const tokenizer = trainWordTokenizer([first, rest]);

describe('reflective sequences', () => {
  it('learn a wrong first pass only when asked for all of them', () => {
    const table = (['right-only', 'all', 'none'] as const).map((loss) => [
      learnsFirstPass(loss, true),
      learnsFirstPass(loss, false),
    ]);
    expect(table).toEqual([
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  it('hold the draft and the rest as one text, with the loss on what is learnt', () => {
    const count = tokenizer.encode(first).length;
    for (const draftRight of [true, false]) {
      const { completion, learnt } = reflectiveCompletion(
        { first, rest, draftRight },
        { draftLoss: 'right-only', marks: true },
        tokenizer,
      );
      expect(tokenizer.decode(completion)).toBe(`${first} ${rest}`);
      expect(completion.at(-1)).toBe(tokenizer.idOf('<|im_end|>'));
      expect(learnt).toHaveLength(completion.length);
      expect(learnt.slice(0, count)).toEqual(Array<number>(count).fill(draftRight ? 1 : 0));
      expect(learnt.slice(count).every((x) => x === 1)).toBe(true);
    }
  });
});
