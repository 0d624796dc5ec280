import { describe, expect, it } from 'vitest';
import { GrpoConfig } from '../../config/training.js';
import { Random } from '../../core/random.js';
import type { Span } from '../../datasets/sample.js';
import { planCut, type CutVideo } from '../../training/verification-cut.js';
import { poolIndices } from '../../video/sampling.js';

const options = (change: object = {}) => ({ ...GrpoConfig.parse({}).verification, ...change });
const video: CutVideo = { label: 'Abnormal', frames: 640, pool: poolIndices(640, 64), policyFrames: 16 };
const plan = (
  verdict: 'Normal' | 'Abnormal' | null,
  span: Span | null,
  change: object = {},
  of = video,
  seed = 1,
) => planCut({ verdict, span }, of, options(change), Random.from(seed, 'cut'));

describe('the cut of a predicted anomaly', () => {
  it('shows the policy frames again from outside the span', () => {
    const cut = plan('Abnormal', [0.25, 0.75]);
    if (cut.kind !== 'cut') throw new Error(cut.kind);
    expect(cut.frames).toHaveLength(16);
    for (const frame of cut.frames) expect(frame / 640 < 0.25 || frame / 640 >= 0.75).toBe(true);
    expect([...cut.frames].sort((a, b) => a - b)).toEqual(cut.frames);
    expect(cut.frames.some((f) => f < 160) && cut.frames.some((f) => f >= 480)).toBe(true);
  });

  it('earns nothing for a span that is missing, reversed, empty or removes no frame', () => {
    for (const span of [null, [0.6, 0.4], [0.5, 0.5], [0.5, 0.5001]] as (Span | null)[]) {
      for (const mode of ['paper', 'guarded'])
        expect(plan('Abnormal', span, { mode })).toEqual({ kind: 'nothing' });
    }
  });

  it('earns nothing in `paper`, and abstains in `guarded`, when the span is the whole video', () => {
    expect(plan('Abnormal', [0, 1], { mode: 'paper' })).toEqual({ kind: 'nothing' });
    expect(plan('Abnormal', [0, 1])).toEqual({ kind: 'abstain' });
  });

  it('abstains in `guarded` under a Normal label or with fewer than 8 frames left; `paper` does not', () => {
    const normal: CutVideo = { ...video, label: 'Normal' };
    expect(plan('Abnormal', [0.2, 0.4], {}, normal)).toEqual({ kind: 'abstain' });
    expect(plan('Abnormal', [0.2, 0.4], { mode: 'paper' }, normal).kind).toBe('cut');
    expect(plan('Abnormal', [0.1, 1])).toEqual({ kind: 'abstain' });
    expect(plan('Abnormal', [0.1, 1], { mode: 'paper' }).kind).toBe('cut');
    expect(plan('Abnormal', [0.13, 1]).kind).toBe('cut');
  });
});

describe('the cut of a predicted normal video', () => {
  it('removes the first or the last 30 percent, by its own key', () => {
    const sides = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const cut = plan('Normal', null, {}, video, seed);
      if (cut.kind !== 'cut') throw new Error(cut.kind);
      const times = cut.frames.map((f) => f / 640);
      const head = Math.min(...times) >= 0.3;
      expect(head || Math.max(...times) < 0.7).toBe(true);
      sides.add(head ? 'head' : 'tail');
      expect(plan('Normal', null, {}, video, seed)).toEqual(cut);
    }
    expect(sides).toEqual(new Set(['head', 'tail']));
  });

  it('applies whatever the label, as in the paper', () => {
    expect(plan('Normal', null, {}, { ...video, label: 'Normal' }).kind).toBe('cut');
  });
});

it('does not check a completion without verdict', () => {
  expect(plan(null, null)).toEqual({ kind: 'nothing' });
});
