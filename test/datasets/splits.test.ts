import { describe, expect, it } from 'vitest';
import { DatasetConfig, splits, type Split } from '../../config/dataset.js';
import { Random } from '../../core/random.js';
import { withoutDuplicates } from '../../datasets/duplicates.js';
import type { ResolvedSample } from '../../datasets/resolve.js';
import { assignSplits, type SplitResult } from '../../datasets/splits.js';

const shares = DatasetConfig.shape.shares.parse(undefined);
type Kind = 'normal' | 'abnormal' | 'weak';
let serial = 0;
const make = (
  id: string,
  kind: Kind = 'normal',
  more: { group?: string; split?: Split; video?: string } = {},
): ResolvedSample => ({
  sample: {
    id,
    video: more.video ?? (++serial).toString(16).padStart(64, '0'),
    group: more.group ?? id,
    label: kind === 'normal' ? 'Normal' : 'Abnormal',
    category: null,
    spans: kind === 'abnormal' ? [[0.25, 0.5]] : [],
    target: kind === 'abnormal' ? { span: [0.25, 0.5], from: 'single' } : null,
    place: null,
    description: null,
    reasoning: null,
    frames: 32,
    fps: 8,
    width: 84,
    height: 56,
  },
  split: more.split ?? null,
  from: `clips.jsonl:${id}`,
});
const many = (n: number, kind: (i: number) => Kind, group: (i: number) => string): ResolvedSample[] =>
  Array.from({ length: n }, (_, i) => make(`v${String(i).padStart(5, '0')}`, kind(i), { group: group(i) }));
const assign = (samples: ResolvedSample[], seed = 1, s = shares): SplitResult =>
  assignSplits(samples, { shares: s, seed });
const count = (result: SplitResult, split: Split, label?: string): number =>
  result.samples.filter((s) => s.split === split && (label === undefined || s.label === label)).length;

describe('seeded shares', () => {
  it('are met, for each label too, and do not depend on the order of the input', () => {
    const samples = many(1000, (i) => (i % 2 === 0 ? 'normal' : 'abnormal'), String);
    const result = assign(samples);
    expect(result.samples).toHaveLength(1000);
    expect(result.rejects).toEqual([]);
    for (const split of splits) {
      expect(Math.abs(count(result, split) - 1000 * shares[split])).toBeLessThanOrEqual(1);
      expect(Math.abs(count(result, split, 'Abnormal') - 500 * shares[split])).toBeLessThanOrEqual(1);
    }
    expect(assign(Random.from(7, 'order').shuffle(samples))).toEqual(result);
  });

  it('change with the seed', () => {
    const samples = many(200, () => 'normal', String);
    const [a, b] = [assign(samples, 1), assign(samples, 2)];
    expect(a.samples.filter((s, i) => s.split !== b.samples[i]!.split).length).toBeGreaterThan(50);
  });

  it('keep every group in one split', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = Random.from(seed, 'groups');
      const result = assign(
        many(
          150,
          () => random.choice(['normal', 'abnormal', 'weak'] as const),
          () => `g${random.integer(40)}`,
        ),
        seed,
      );
      expect(result.samples).toHaveLength(150);
      const home = new Map<string, Split>();
      for (const { group, split } of result.samples) {
        expect(home.get(group) ?? split).toBe(split);
        home.set(group, split);
      }
    }
  });

  it('never put an abnormal video without span where reasoning is written', () => {
    const result = assign(many(300, (i) => (['normal', 'abnormal', 'weak'] as const)[i % 3]!, String));
    for (const sample of result.samples) {
      if (sample.label === 'Abnormal' && sample.target === null)
        expect(['rl', 'val', 'test']).toContain(sample.split);
    }
    expect(count(result, 'rl')).toBeGreaterThan(0);
    const only = assign(
      many(10, () => 'weak', String),
      1,
      { sft: 1, reflect: 0, rl: 0, val: 0, test: 0 },
    );
    expect(count(only, 'rl')).toBe(10);
  });

  it('give every split of eight videos at least one', () => {
    for (let seed = 0; seed < 50; seed++) {
      const result = assign(
        many(8, (i) => (i < 4 ? 'normal' : 'abnormal'), String),
        seed,
      );
      for (const split of splits) expect(count(result, split), `${split}, seed ${seed}`).toBeGreaterThan(0);
      expect(count(result, 'sft')).toBeGreaterThanOrEqual(2);
      expect(result.warnings).toEqual([]);
    }
  });

  it('serve sft, test, rl, reflect, val in this order when there are fewer videos than splits', () => {
    const filled = (n: number): Split[] => {
      const result = assign(many(n, () => 'normal', String));
      expect(result.warnings).toHaveLength(5 - n);
      return splits.filter((split) => count(result, split) > 0);
    };
    expect(filled(1)).toEqual(['sft']);
    expect(filled(2)).toEqual(['sft', 'test']);
    expect(filled(3)).toEqual(['sft', 'rl', 'test']);
    expect(filled(4)).toEqual(['sft', 'reflect', 'rl', 'test']);
    expect(filled(5)).toEqual([...splits]);
  });

  it('leave a split without share empty, silently', () => {
    const result = assign(
      many(20, () => 'normal', String),
      1,
      { sft: 0.5, reflect: 0, rl: 0, val: 0, test: 0.5 },
    );
    expect([count(result, 'sft'), count(result, 'test')]).toEqual([10, 10]);
    expect(result.warnings).toEqual([]);
  });
});

describe('annotated splits', () => {
  it('are kept, and the rest of the group follows', () => {
    const result = assign([
      make('a', 'normal', { split: 'test', group: 'film' }),
      make('b', 'normal', { group: 'film' }),
      make('c', 'abnormal', { split: 'rl' }),
      make('d', 'weak', { split: 'sft' }),
    ]);
    expect(Object.fromEntries(result.samples.map((s) => [s.id, s.split]))).toEqual({
      a: 'test',
      b: 'test',
      c: 'rl',
      d: 'sft',
    });
  });

  it('count when empty splits are filled', () => {
    const annotated = splits.map((split) => make(`a-${split}`, 'normal', { split }));
    const result = assign([...annotated, make('x')], 1, { sft: 1, reflect: 0, rl: 0, val: 0, test: 0 });
    expect(count(result, 'sft')).toBe(2);
  });

  it('reject the losing side of a group that is on two: test wins over val, val over training', () => {
    const result = assign([
      make('a', 'normal', { split: 'sft', group: 'film' }),
      make('b', 'normal', { split: 'test', group: 'film' }),
      make('c', 'normal', { split: 'val', group: 'film' }),
      make('d', 'normal', { group: 'film' }),
    ]);
    expect(result.samples.map((s) => [s.id, s.split])).toEqual([
      ['b', 'test'],
      ['d', 'test'],
    ]);
    expect(result.rejects).toEqual([
      {
        id: 'a',
        from: 'clips.jsonl:a',
        reason: 'group-on-two-sides',
        message: 'annotated as sft, but b of the same group "film" is in test',
      },
      expect.objectContaining({ id: 'c', reason: 'group-on-two-sides' }),
    ]);
  });

  it('may spread a group over the training splits', () => {
    const result = assign([
      make('a', 'normal', { split: 'sft', group: 'film' }),
      make('b', 'normal', { split: 'rl', group: 'film' }),
    ]);
    expect(result.rejects).toEqual([]);
    expect(result.samples.map((s) => s.split)).toEqual(['sft', 'rl']);
  });
});

describe('duplicates', () => {
  const same = 'f'.repeat(64);

  it('keep the held-out one, then the first, and name it', () => {
    const { kept, rejects } = withoutDuplicates([
      make('a', 'normal', { video: same, split: 'sft' }),
      make('b', 'abnormal', { video: same, split: 'test' }),
      make('c', 'normal', { video: same }),
      make('d', 'normal'),
      make('e', 'normal', { video: 'e'.repeat(64) }),
      make('f', 'normal', { video: 'e'.repeat(64) }),
    ]);
    expect(kept.map((k) => k.sample.id)).toEqual(['b', 'd', 'e']);
    expect(rejects.map((r) => [r.id, r.reason])).toEqual([
      ['a', 'duplicate-video'],
      ['c', 'duplicate-video'],
      ['f', 'duplicate-video'],
    ]);
    expect(rejects[0]!.message).toBe('the same bytes as b (clips.jsonl:b), which says Abnormal, not Normal');
    expect(rejects[2]!.message).toBe('the same bytes as e (clips.jsonl:e)');
  });

  it('are found by id as well', () => {
    const { kept, rejects } = withoutDuplicates([make('a'), make('a')]);
    expect(kept).toHaveLength(1);
    expect(rejects).toMatchObject([{ reason: 'duplicate-id' }]);
  });
});
