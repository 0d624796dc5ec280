import { describe, expect, it } from 'vitest';
import { Random } from '../../../core/random.js';
import type { Reflection } from '../../../datasets/target.js';
import { subsampleDrafts } from '../../../teachers/embedded/subsample.js';

const make = (right: number, wrong: number): Reflection[] =>
  Random.from(1, 'mix').shuffle(
    Array.from({ length: right + wrong }, (_, i) => ({
      sampleId: `s${Math.floor(i / 2)}`,
      draft: i % 2,
      frames: [],
      label: 'Normal' as const,
      span: null,
      draftRight: i < right,
      first: '',
      rest: '',
      checkpoint: '',
      seed: 0,
    })),
  );

describe('subsampleDrafts', () => {
  it.each([
    [910, 90, 0.3, 39, 90],
    [10, 500, 0.3, 10, 23],
    [300, 700, 0.3, 300, 700],
    [50, 50, 0.5, 50, 50],
    [1, 200, 0.3, 1, 2],
    [500, 1, 0.3, 1, 1],
    [20, 10, 0, 0, 10],
    [20, 10, 1, 20, 0],
  ])('%i right and %i wrong at %f become %i and %i', (right, wrong, share, keptRight, keptWrong) => {
    const result = subsampleDrafts(make(right, wrong), share, 7);
    expect(result.before).toEqual({ right, wrong });
    expect(result.after).toEqual({ right: keptRight, wrong: keptWrong });
    expect(result.kept.filter((r) => r.draftRight)).toHaveLength(keptRight);
    expect(result.kept.filter((r) => !r.draftRight)).toHaveLength(keptWrong);
  });

  it('keeps everything when one kind is missing: a share cannot be made of nothing', () => {
    for (const [right, wrong] of [
      [12, 0],
      [0, 12],
      [0, 0],
    ] as const) {
      for (const share of [0, 0.3, 1]) {
        expect(subsampleDrafts(make(right, wrong), share, 7).after).toEqual({ right, wrong });
      }
    }
  });

  it('leaves the drafts of the samples that validate alone, and chooses among the others as without them', () => {
    const all = make(100, 20);
    const untouched = new Set(['s3', 's55']);
    const others = all.filter(({ sampleId }) => !untouched.has(sampleId));
    const result = subsampleDrafts(all, 0.3, 7, untouched);
    const alone = subsampleDrafts(others, 0.3, 7);
    expect(result).toMatchObject({ before: alone.before, after: alone.after });
    expect(result.kept).toEqual(all.filter((r) => untouched.has(r.sampleId) || alone.kept.includes(r)));
    expect(result.kept.filter(({ sampleId }) => untouched.has(sampleId))).toHaveLength(4);
  });

  it('keeps the order of the input, and chooses by seed and draft alone', () => {
    const all = make(100, 20);
    const { kept } = subsampleDrafts(all, 0.3, 7);
    expect(kept).toEqual(all.filter((r) => kept.includes(r)));
    const names = (list: readonly Reflection[]): string[] =>
      list.map((r) => `${r.sampleId}/${r.draft}`).sort();
    expect(names(subsampleDrafts([...all].reverse(), 0.3, 7).kept)).toEqual(names(kept));
    expect(names(subsampleDrafts(all, 0.3, 8).kept)).not.toEqual(names(kept));
  });
});
