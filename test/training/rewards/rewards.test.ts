import { describe, expect, it } from 'vitest';
import { GrpoConfig } from '../../../config/training.js';
import type { Label, Span } from '../../../datasets/sample.js';
import { accuracy } from '../../../training/rewards/accuracy.js';
import { format } from '../../../training/rewards/format.js';
import { length } from '../../../training/rewards/length.js';
import { rewardPlan } from '../../../training/rewards/presets.js';
import { fourGramOverlap, reflection } from '../../../training/rewards/reflection.js';
import type { CutOutcome, GroupContext, ScoredCompletion } from '../../../training/rewards/reward.js';
import { tiou } from '../../../training/rewards/tiou.js';
import { verification } from '../../../training/rewards/verification.js';
import { groupAdvantages, totalRewards } from '../../../training/advantages.js';

const ids = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => from + i);

/** A completion whose first pass has 100 tokens and whose whole has 200: the target of the length term. */
function completion(change: {
  first?: Label | null;
  final?: Label | null;
  span?: Span | null;
  formatValid?: boolean;
  words?: number;
  tokens?: number;
  firstTokens?: number[];
  reflectionTokens?: number[] | null;
}): ScoredCompletion {
  const final = change.final === undefined ? 'Abnormal' : change.final;
  const first = change.first === undefined ? final : change.first;
  const span = change.span === undefined ? null : change.span;
  return {
    formatValid: change.formatValid ?? true,
    first: { verdict: first, span },
    final: { verdict: final, span },
    words: change.words ?? 150,
    tokens: change.tokens ?? 200,
    firstTokens: change.firstTokens ?? ids(100),
    reflectionTokens: change.reflectionTokens === undefined ? ids(20, 1000) : change.reflectionTokens,
  };
}

const context = (label: Label, more: Partial<GroupContext> = {}): GroupContext => ({
  label,
  spans: [],
  cuts: [],
  ...more,
});
const answered = (verdict: Label | null): CutOutcome => ({ kind: 'answered', verdict });

describe('accuracy and format', () => {
  it('pays the label, on the pass that is asked for', () => {
    const group = [completion({ first: 'Normal', final: 'Abnormal' }), completion({ final: null })];
    expect(accuracy('final')(group, context('Abnormal'))).toEqual([1, 0]);
    expect(accuracy('first')(group, context('Abnormal'))).toEqual([0, 0]);
    expect(accuracy('first')(group, context('Normal'))).toEqual([1, 0]);
  });

  it('pays a valid format only', () => {
    const group = [completion({}), completion({ formatValid: false })];
    expect(format(group, context('Normal'))).toEqual([1, 0]);
  });
});

describe('length', () => {
  const options = { unit: 'words', normal: [140, 261], abnormal: [233, 456], variant: 'paper' } as const;
  const reward = length({ ...options, normal: [...options.normal], abnormal: [...options.abnormal] });

  it('uses the window of the predicted class, ends included, and pays right answers only', () => {
    const normal = [139, 140, 261, 262].map((words) => completion({ final: 'Normal', words }));
    expect(reward(normal, context('Normal'))).toEqual([0, 0.2, 0.2, 0]);
    expect(reward(normal, context('Abnormal'))).toEqual([0, 0, 0, 0]);
    const abnormal = [200, 233, 456, 457].map((words) => completion({ final: 'Abnormal', words }));
    expect(reward(abnormal, context('Abnormal'))).toEqual([0, 0.2, 0.2, 0]);
  });

  it('can count tokens', () => {
    const tokens = length({ unit: 'tokens', normal: [10, 20], abnormal: [30, 40], variant: 'paper' });
    const group = [completion({ tokens: 35, words: 1 }), completion({ tokens: 41, words: 1 })];
    expect(tokens(group, context('Abnormal'))).toEqual([0.2, 0]);
  });

  it('pays nobody when only one qualifies, in the variant of the released code', () => {
    const code = length({ unit: 'words', normal: [140, 261], abnormal: [233, 456], variant: 'code' });
    const one = [completion({ words: 300 }), completion({ words: 10 })];
    const two = [...one, completion({ words: 240 })];
    expect(code(one, context('Abnormal'))).toEqual([0, 0]);
    expect(code(two, context('Abnormal'))).toEqual([0.2, 0, 0.2]);
  });
});

describe('verification', () => {
  it('pays a confirmed anomaly and charges an exposed miss', () => {
    const group = [
      completion({}),
      completion({}),
      completion({ final: 'Normal' }),
      completion({ final: 'Normal' }),
    ];
    const cuts = [answered('Normal'), answered('Abnormal'), answered('Abnormal'), answered('Normal')];
    expect(verification(group, context('Abnormal', { cuts }))).toEqual(
      [0.5, 0, 0, 0].map((x, i) => (i === 2 ? -0.2 : x)),
    );
  });

  it('judges each completion against its own prediction, not against the last one of the group', () => {
    // The released loop compared all with the last (Normal): the first two would be charged -.2 and 0.
    const group = [completion({}), completion({}), completion({ final: 'Normal' })];
    const cuts = [answered('Abnormal'), answered('Normal'), answered('Normal')];
    expect(verification(group, context('Abnormal', { cuts }))).toEqual([0, 0.5, 0]);
    // And reversed: a last Abnormal must not pay the Normal ones.
    const reversed = [completion({ final: 'Normal' }), completion({ final: 'Normal' }), completion({})];
    const answers = [answered('Normal'), answered('Abnormal'), answered('Abnormal')];
    expect(verification(reversed, context('Normal', { cuts: answers }))).toEqual([0, -0.2, 0]);
  });

  it('charges only completions whose accuracy or format was positive', () => {
    const cuts = [answered('Abnormal'), answered('Abnormal'), answered('Abnormal')];
    const group = [
      completion({ final: 'Normal', formatValid: false }),
      completion({ final: 'Normal', formatValid: true }),
      completion({ final: 'Normal', formatValid: false }),
    ];
    expect(verification(group, context('Abnormal', { cuts }))).toEqual([0, -0.2, 0]);
    expect(verification(group, context('Normal', { cuts }))).toEqual([-0.2, -0.2, -0.2]);
  });

  it('earns nothing without a possible cut, abstains where the check does not apply', () => {
    const cuts: CutOutcome[] = [{ kind: 'nothing' }, { kind: 'abstain' }, answered(null)];
    expect(
      verification([completion({}), completion({}), completion({})], context('Abnormal', { cuts })),
    ).toEqual([0, null, 0]);
  });
});

describe('tIoU', () => {
  it('measures the final span against the union of the annotated ones', () => {
    const spans: Span[] = [
      [0, 0.25],
      [0.5, 0.75],
    ];
    const group = [
      completion({ span: [0, 0.75] }),
      completion({ span: [0, 0.25] }),
      completion({ final: 'Normal' }),
      completion({ span: null }),
    ];
    const values = tiou(group, context('Abnormal', { spans }));
    expect(values[0]).toBeCloseTo(2 / 3, 9);
    expect(values[1]).toBeCloseTo(0.5, 9);
    expect(values.slice(2)).toEqual([0, 0]);
  });

  it('abstains on Normal truth and without annotated spans', () => {
    expect(tiou([completion({ final: 'Normal' })], context('Normal'))).toEqual([null]);
    expect(tiou([completion({ span: [0, 1] })], context('Abnormal'))).toEqual([null]);
  });
});

describe('reflection (SRPO, the published form)', () => {
  const params = GrpoConfig.parse({ preset: 'srvau-r1' });
  const total = (c: ScoredCompletion, of = params): number => {
    const plan = rewardPlan(of);
    const values = plan.rewards.map(({ weight, reward }) => ({
      weight,
      values: reward([c], context('Abnormal')),
    }));
    return totalRewards(values, 1)[0]!;
  };

  it('reaches exactly the four totals: 1.60, 1.35, 1.10, .85', () => {
    expect(total(completion({ first: 'Abnormal', final: 'Abnormal' }))).toBeCloseTo(1.6, 12);
    expect(total(completion({ first: 'Normal', final: 'Abnormal' }))).toBeCloseTo(1.35, 12);
    expect(total(completion({ first: 'Abnormal', final: 'Normal' }))).toBeCloseTo(1.1, 12);
    expect(total(completion({ first: 'Normal', final: 'Normal' }))).toBeCloseTo(0.85, 12);
  });

  it('never pays sandbagging: right first beats wrong first, whatever the final answer', () => {
    for (const final of ['Normal', 'Abnormal'] as const) {
      expect(total(completion({ first: 'Abnormal', final }))).toBeGreaterThan(
        total(completion({ first: 'Normal', final })),
      );
    }
  });

  it('at weight 2 and without its length term comes, with the task, to 1 for a right final answer', () => {
    const twice = GrpoConfig.parse({ preset: 'srvau-r1', reflectionAlpha: 0, weights: { reflection: 2 } });
    for (const first of ['Normal', 'Abnormal'] as const) {
      // Half a point for the format and half for a reflection that is there.
      expect(total(completion({ first, final: 'Abnormal' }), twice)).toBeCloseTo(2, 12);
      expect(total(completion({ first, final: 'Normal' }), twice)).toBeCloseTo(1, 12);
    }
  });

  const alone = (c: ScoredCompletion, mode: 'paper' | 'guarded' = 'paper'): number =>
    reflection({ alpha: 0.1, mode })([c], context('Abnormal'))[0]!;

  it('shapes the length term: 1/e of alpha at 2.5 times the first pass', () => {
    expect(alone(completion({ tokens: 250 }))).toBeCloseTo(0.5 + 0.1 / Math.E, 12);
    expect(alone(completion({ tokens: 200 }))).toBeCloseTo(0.6, 12);
  });

  it('has no length term for a first pass under 8 tokens or a missing reflection', () => {
    expect(alone(completion({ firstTokens: ids(7), tokens: 14 }))).toBe(0.5);
    expect(alone(completion({ firstTokens: ids(8), tokens: 16 }))).toBeCloseTo(0.6, 12);
    expect(alone(completion({ reflectionTokens: null }))).toBe(0.25);
  });

  it('guarded wants 12 tokens that are not a copy of the first pass', () => {
    expect(alone(completion({ reflectionTokens: ids(11, 500) }), 'guarded')).toBe(0.25);
    expect(alone(completion({ reflectionTokens: ids(12, 500) }), 'guarded')).toBeCloseTo(0.6, 12);
    expect(alone(completion({ reflectionTokens: ids(40) }), 'guarded')).toBe(0.25);
    expect(alone(completion({ reflectionTokens: ids(40) }), 'paper')).toBeCloseTo(0.6, 12);
  });

  it('guarded counts a reflection as missing from 80% of copied 4-grams on', () => {
    const copied = (tokens: number): number[] => [...ids(tokens), ...ids(13 - tokens, 500)];
    expect(fourGramOverlap(copied(11), ids(100))).toBe(0.8);
    expect(alone(completion({ reflectionTokens: copied(11) }), 'guarded')).toBe(0.25);
    expect(fourGramOverlap(copied(10), ids(100))).toBe(0.7);
    expect(alone(completion({ reflectionTokens: copied(10) }), 'guarded')).toBeCloseTo(0.6, 12);
  });

  it('measures copying by 4-grams', () => {
    expect(fourGramOverlap(ids(10), ids(100))).toBe(1);
    expect(fourGramOverlap(ids(10, 500), ids(100))).toBe(0);
    expect(fourGramOverlap([0, 1, 2, 3, 900, 901, 902, 903], ids(10))).toBeCloseTo(1 / 5, 9);
    expect(fourGramOverlap([1, 2, 3], [7])).toBe(1);
  });
});

describe('presets', () => {
  const names = (input: Parameters<typeof GrpoConfig.parse>[0]): string[] =>
    rewardPlan(GrpoConfig.parse(input)).rewards.map((r) => r.name);

  it('pay what the learning contract lists', () => {
    expect(names({ preset: 'vad-r1' })).toEqual(['accuracy', 'format', 'length', 'verification']);
    expect(names({ preset: 'srvau-r1' })).toEqual(['accuracy', 'format', 'reflection']);
    expect(names({ preset: 'srvau-r1', labels: 'spans' })).toEqual([
      'accuracy',
      'format',
      'reflection',
      'tiou',
    ]);
    expect(names({ preset: 'combined' })).toEqual(['accuracy', 'format', 'reflection', 'verification']);
    expect(names({ preset: 'combined', labels: 'spans' })).toContain('tiou');
  });

  it('leave out what has weight 0, verification answers included', () => {
    const plan = rewardPlan(GrpoConfig.parse({ preset: 'vad-r1', weights: { verification: 0, length: 0 } }));
    expect(plan.rewards.map((r) => r.name)).toEqual(['accuracy', 'format']);
    expect(plan.verifies).toBe(false);
  });

  it('sum to the totals of Vad-R1 and its advantages', () => {
    const plan = rewardPlan(GrpoConfig.parse({ preset: 'vad-r1', length: { abnormal: [100, 200] } }));
    const group = [
      completion({}),
      completion({}),
      completion({ final: 'Normal', formatValid: false }),
      completion({ final: 'Normal' }),
    ];
    const cuts = [answered('Normal'), answered('Abnormal'), answered('Abnormal'), answered('Abnormal')];
    const components = plan.rewards.map(({ weight, reward }) => ({
      weight,
      values: reward(group, context('Abnormal', { cuts })),
    }));
    const totals = totalRewards(components, 4);
    expect(totals.map((t) => Number(t!.toFixed(9)))).toEqual([2.7, 2.2, 0, 0.8]);
    expect(groupAdvantages(totals, 'group').flat).toBe(false);
  });
});
