import { describe, expect, it } from 'vitest';
import { GrpoConfig } from '../../../config/training.js';
import { Random } from '../../../core/random.js';
import type { Label, Span } from '../../../datasets/sample.js';
import { writeAnswer, writeReflection, writeThink } from '../../../datasets/write-answer.js';
import { trainWordTokenizer } from '../../../policy/word-tokenizer.js';
import { totalRewards } from '../../../training/advantages.js';
import { rewardPlan, type RewardName } from '../../../training/rewards/presets.js';
import { readCompletion } from '../../../training/rewards/read-completion.js';
import type { CutOutcome } from '../../../training/rewards/reward.js';
import { planCut } from '../../../training/verification-cut.js';
import { poolIndices } from '../../../video/sampling.js';

// What a policy could write to be paid for something nobody wants, read from text to total.

const words = (count: number, stem: string): string =>
  Array.from({ length: count }, (_, i) => `${stem}${i}`).join(' ');
const abnormal = (when: string, stem = 'a'): string =>
  `${writeThink([words(16, stem), 'b', 'c', 'd'])} ${writeAnswer({
    which: 'Abnormal',
    what: 'Fire',
    when: [0.25, 0.5],
    where: 'left',
    why: 'hot',
    how: 'call',
  })}`.replace('[ 0.250 , 0.500 ]', when);
const normal = `${writeThink([words(9, 'n'), 'b'])} ${writeAnswer({ which: 'Normal', what: 'calm', why: 'calm' })}`;
const span = '[ 0.250 , 0.500 ]';
const tokenizer = trainWordTokenizer([`${abnormal(span)} ${normal} ${words(40, 'r')}`]);

interface Situation {
  readonly label: Label;
  readonly params: Parameters<typeof GrpoConfig.parse>[0];
  /** What the policy says when the video is shown again without the cut. */
  readonly again?: Label;
  readonly spans?: readonly Span[];
}

/** Each reward of a completion in a group of its own, and the total. */
function earned(text: string, { label, params: input, again = 'Normal', spans = [] }: Situation) {
  const params = GrpoConfig.parse(input);
  const plan = rewardPlan(params);
  const shape = params.preset === 'vad-r1' ? 'single' : 'reflective';
  const completion = readCompletion(text, tokenizer.encode(text).length + 1, shape, tokenizer);
  const video = { label, frames: 640, pool: poolIndices(640, 64), policyFrames: 16 };
  const cut = planCut(completion.final, video, params.verification, Random.from(1, 'gaming'));
  const outcome: CutOutcome = cut.kind === 'cut' ? { kind: 'answered', verdict: again } : { kind: cut.kind };
  const components = plan.rewards.map(({ name, weight, reward }) => ({
    name,
    weight,
    values: reward([completion], { label, spans, cuts: [outcome] }),
  }));
  const by = (name: RewardName) => components.find((c) => c.name === name)?.values[0];
  return { by, total: totalRewards(components, 1)[0]! };
}

const paper = { preset: 'vad-r1', verification: { mode: 'paper' } } as const;
const guarded = { preset: 'vad-r1', verification: { mode: 'guarded' } } as const;

describe('the format loophole of the released code', () => {
  it('a two-step answer that says Abnormal with when and how earns 0', () => {
    const loophole = `${writeThink(['a', 'b'])} ${abnormal(span).slice(abnormal(span).indexOf('<answer>'))}`;
    expect(earned(loophole, { label: 'Abnormal', params: paper }).by('format')).toBe(0);
    expect(earned(abnormal(span), { label: 'Abnormal', params: paper }).by('format')).toBe(1);
  });

  it('nor does the reverse, four steps that say Normal', () => {
    const reverse = abnormal(span).replace('<which> Abnormal', '<which> Normal');
    expect(earned(reverse, { label: 'Normal', params: paper }).by('format')).toBe(0);
  });

  it('nor do both verdicts at once, on format or accuracy', () => {
    const both = normal.replace('</which>', '</which> <which> Abnormal </which>');
    for (const label of ['Normal', 'Abnormal'] as const) {
      const { by } = earned(both, { label, params: paper });
      expect([by('accuracy'), by('format')]).toEqual([0, 0]);
    }
  });
});

describe('verification as the paper has it, and guarded', () => {
  it('paper pays Abnormal on a Normal video with any span; guarded abstains', () => {
    for (const when of ['[ 0.010 , 0.050 ]', '[ 0.250 , 0.500 ]', '[ 0.050 , 1.000 ]']) {
      expect(earned(abnormal(when), { label: 'Normal', params: paper }).by('verification')).toBe(0.5);
      expect(earned(abnormal(when), { label: 'Normal', params: guarded }).by('verification')).toBeNull();
    }
  });

  it('being right about a Normal video pays more than a false alarm that is confirmed, even when charged', () => {
    const alarm = earned(abnormal(span), { label: 'Normal', params: paper, again: 'Normal' });
    const right = earned(normal, { label: 'Normal', params: paper, again: 'Abnormal' });
    expect(alarm.total).toBeCloseTo(1.5, 12);
    expect(right.total).toBeCloseTo(1.8, 12);
  });

  it('a span over the whole video earns 0, and abstains guarded', () => {
    const whole = abnormal('[ 0.000 , 1.000 ]');
    expect(earned(whole, { label: 'Abnormal', params: paper }).by('verification')).toBe(0);
    expect(earned(whole, { label: 'Abnormal', params: guarded }).by('verification')).toBeNull();
  });

  it('a span over nearly the whole video is paid by the paper alone', () => {
    const nearly = abnormal('[ 0.050 , 1.000 ]');
    expect(earned(nearly, { label: 'Abnormal', params: paper }).by('verification')).toBe(0.5);
    expect(earned(nearly, { label: 'Abnormal', params: guarded }).by('verification')).toBeNull();
  });

  it.each([
    '[ 0.500 , 0.250 ]',
    '[ 0.500 , 0.500 ]',
    '[ 0.5 , 1.5 ]',
    '[ -0.5 , 0.5 ]',
    '0.2 to 0.4',
    '[ NaN , 1 ]',
    '[ ]',
  ])('a reversed or invalid span earns 0: %s', (when) => {
    for (const params of [paper, guarded]) {
      const { by } = earned(abnormal(when), { label: 'Abnormal', params });
      expect([by('verification'), by('format'), by('accuracy')]).toEqual([0, 0, 1]);
    }
  });

  it('breaking the format to escape the charge costs more than the charge', () => {
    const charged = earned(normal, { label: 'Abnormal', params: paper, again: 'Abnormal' });
    const broken = earned(normal.replace('</think>', ''), {
      label: 'Abnormal',
      params: paper,
      again: 'Abnormal',
    });
    expect(charged.by('verification')).toBe(-0.2);
    expect(broken.by('verification')).toBe(0);
    expect(broken.total).toBeLessThan(charged.total);
  });

  it('abstaining never earns more than a check that failed', () => {
    const failed = earned(abnormal(span), { label: 'Abnormal', params: guarded, again: 'Abnormal' });
    const abstained = earned(abnormal('[ 0.050 , 1.000 ]'), { label: 'Abnormal', params: guarded });
    expect(abstained.by('verification')).toBeNull();
    expect(abstained.total).toBe(failed.total);
  });
});

describe('length', () => {
  const params = { preset: 'vad-r1', length: { normal: [10, 20], abnormal: [10, 40] } } as const;

  it('is not paid for length without being right, nor without a verdict', () => {
    expect(earned(normal, { label: 'Normal', params }).by('length')).toBe(0.2);
    expect(earned(normal, { label: 'Abnormal', params }).by('length')).toBe(0);
    const unread = normal.replace(/<which>.*<\/which>/, '');
    expect(earned(unread, { label: 'Normal', params }).by('length')).toBe(0);
  });

  it('does not count tags as words', () => {
    const tags = normal.replace('</answer>', '<x> <y> <z> <x> <y> <z> <x> <y> <z> <x> <y> </answer>');
    expect(earned(tags, { label: 'Normal', params }).by('length')).toBe(0.2);
    const long = normal.replace('</answer>', `${words(11, 'x')} </answer>`);
    expect(earned(long, { label: 'Normal', params }).by('length')).toBe(0);
  });
});

describe('tIoU', () => {
  const params = { preset: 'srvau-r1', labels: 'spans' } as const;
  const reflective = (last: string): string => `${normal} ${writeReflection(words(14, 'r'))} ${last}`;
  const spans: Span[] = [[0.4, 0.5]];
  const tiou = (when: string, label: Label = 'Abnormal') =>
    earned(reflective(abnormal(when)), { label, params, spans: label === 'Normal' ? [] : spans }).by('tiou');

  it('pays a span over the whole video no more than the share that is true', () => {
    expect(tiou('[ 0.000 , 1.000 ]')).toBeCloseTo(0.1, 9);
    expect(tiou('[ 0.400 , 0.500 ]')).toBeCloseTo(1, 9);
  });

  it('pays nothing for a reversed or missing span, and abstains on Normal truth', () => {
    expect(tiou('[ 0.500 , 0.400 ]')).toBe(0);
    expect(tiou('nowhere')).toBe(0);
    expect(tiou('[ 0.400 , 0.500 ]', 'Normal')).toBeNull();
  });
});

describe('the reflection', () => {
  const params = (mode: 'paper' | 'guarded') => ({ preset: 'srvau-r1', verification: { mode } }) as const;
  const of = (text: string, mode: 'paper' | 'guarded') => {
    const completion = `${abnormal(span)} ${text} ${abnormal(span)}`;
    return earned(completion, { label: 'Abnormal', params: params(mode) }).by('reflection')!;
  };
  const honest = writeReflection(words(14, 'r'));
  const copied = writeReflection(words(16, 'a'));

  it('guarded pays neither a word nor a copy of the first pass as a reflection; the paper pays both', () => {
    for (const text of [writeReflection('ok'), copied]) {
      expect(of(text, 'guarded')).toBe(0.25);
      expect(of(text, 'paper')).toBeGreaterThan(0.5);
    }
    expect(of(honest, 'guarded')).toBeGreaterThan(0.5);
  });

  it('is missing when it is empty or hides tags, which breaks the format as well', () => {
    for (const text of ['<reflection> </reflection>', honest.replace('r3', '<which> Abnormal </which>')]) {
      const completion = `${abnormal(span)} ${text} ${abnormal(span)}`;
      const { by } = earned(completion, { label: 'Abnormal', params: params('paper') });
      expect([by('reflection'), by('format')]).toEqual([0.25, 0]);
    }
  });

  it('pays less for a completion that is padded far beyond twice its first pass', () => {
    const padded = writeReflection(words(40, 'r').concat(' ', words(40, 'r'), ' ', words(40, 'r')));
    expect(of(padded, 'paper')).toBeLessThan(of(honest, 'paper'));
    expect(of(padded, 'paper')).toBeCloseTo(0.5, 3);
  });

  it('charges an answer that the reflection makes wrong, and pays nothing for staying wrong', () => {
    const situation = { label: 'Normal', params: params('guarded') } as const;
    const spoilt = earned(`${normal} ${honest} ${abnormal(span)}`, situation).by('reflection')!;
    const wrong = earned(`${abnormal(span)} ${honest} ${abnormal(span)}`, situation).by('reflection')!;
    const kept = earned(`${normal} ${honest} ${normal}`, situation).by('reflection')!;
    expect(spoilt).toBeLessThan(wrong);
    expect(wrong).toBeLessThan(kept);
  });
});
