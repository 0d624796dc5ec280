import { describe, expect, it } from 'vitest';
import { Random } from '../../../core/random.js';
import type { StepRow } from '../../../training/run-phases.js';
import { grpoWatchers } from '../../../training/watchers/grpo-watchers.js';
import { supervisedWatchers } from '../../../training/watchers/supervised-watchers.js';
import { Watch } from '../../../training/watchers/watch.js';
import type { Watcher } from '../../../training/watchers/watcher.js';
import { testSample } from '../../evaluation/videos.js';

const samples = [
  testSample('a', 'Abnormal', [[0, 0.4]], { split: 'rl' }),
  testSample('n', 'Normal', [], { split: 'rl' }),
  testSample('not trained on', 'Abnormal', [[0, 1]], { split: 'test' }),
];
const grpo = grpoWatchers(samples);

/** Texts of all warnings on rows, step after step. */
function texts(watchers: readonly Watcher[], rows: readonly StepRow[]): string[] {
  const watch = new Watch(watchers);
  return rows.flatMap((row, index) => watch.see(index + 1, row).map(({ text }) => text));
}
const ramp = (column: string, from: number, to: number, steps = 60): StepRow[] =>
  Array.from({ length: steps }, (_, i) => ({ [column]: from + ((to - from) * i) / (steps - 1) }));
const constant = (row: StepRow, steps: number): StepRow[] => Array<StepRow>(steps).fill(row);

describe('the watchers of GRPO', () => {
  it.each([
    ['predictedAbnormal', 0.5, 0.99, /^share predicted Abnormal 0\.9\d*, above 0\.9: it says the same/],
    ['predictedAbnormal', 0.5, 0.01, /below 0\.1: it says the same/],
    ['spanWidth', 0.4, 0.7, /^mean span width 0\.52\d, above 0\.52: .*1\.3 times as wide as true ones/],
    ['firstAccuracy', 0.9, 0.7, /^first-answer accuracy .* may be spoiled on purpose/],
    ['formatValid', 1, 0.7, /fewer completions follow/],
    ['unread', 0, 0.3, /no verdict/],
    ['flatGroups', 0.3, 0.95, /no spread/],
    ['truncated', 0, 0.3, /token limit/],
    ['kl', 0, 0.9, /far from its reference/],
    ['entropy', 1, 0.01, /variety/],
  ])('warn once when %s goes from %f to %f', (column, from, to, text) => {
    expect(texts(grpo, ramp(column, from, to))).toEqual([expect.stringMatching(text) as string]);
  });

  it.each([
    ['predictedAbnormal', 0.4, 0.6],
    ['spanWidth', 0.4, 0.5],
    ['firstAccuracy', 0.8, 0.9],
    ['firstAccuracy', 0.9, 0.87],
    ['flatGroups', 0.75, 0.3],
    ['truncated', 0.09, 0],
    ['kl', 0, 0.1],
    ['entropy', 0.2, 0.15],
    ['gradNorm', 1, 0.01],
    ['somethingElse', 0, 1e9],
  ])('say nothing when %s goes from %f to %f', (column, from, to) => {
    expect(texts(grpo, ramp(column, from, to))).toEqual([]);
  });

  it('do not warn of one noisy step, nor before enough steps', () => {
    const calm = { kl: 0.05, truncated: 0, gradNorm: 1 };
    const wild = { kl: 2, truncated: 0.4, gradNorm: 1000 };
    expect(texts(grpo, [...constant(calm, 20), wild, ...constant(calm, 20)])).toEqual([]);
    expect(texts(grpo, constant(wild, 4))).toEqual([]);
  });

  it('tell a gradient that explodes, and one that vanishes, from spikes', () => {
    const norm = (gradNorm: number, steps: number) => constant({ gradNorm }, steps);
    expect(texts(grpo, [...norm(1, 20), ...norm(50, 3)])).toEqual([
      expect.stringMatching(/^gradient norm 50, above 10: gradients explode/) as string,
    ]);
    expect(texts(grpo, [...norm(1, 20), ...norm(1e-5, 3)])).toEqual([
      expect.stringMatching(/below 0\.001: .*hardly anything/) as string,
    ]);
    const spiky = Array.from({ length: 60 }, (_, i) => ({ gradNorm: i % 4 === 3 ? 100 : 1 }));
    expect(texts(grpo, spiky)).toEqual([]);
  });

  it('does not take the noise of a few videos for a first answer that got worse', () => {
    const random = Random.from(1, 'watchers');
    const accuracy = (right: number): StepRow => ({
      firstAccuracy: Array.from({ length: 8 }, () => random.chance(right)).filter(Boolean).length / 8,
    });
    let alarms = 0;
    for (let run = 0; run < 40; run++) {
      alarms += texts(
        grpo,
        Array.from({ length: 40 }, () => accuracy(0.8)),
      ).length;
    }
    expect(alarms).toBeLessThan(6);
    const spoiled = Array.from({ length: 40 }, (_, i) => accuracy(i < 20 ? 0.8 : 0.1));
    expect(texts(grpo, spoiled)).toEqual([expect.stringMatching(/^first-answer/) as string]);
  });

  it('warn of a reward that nobody earns, not of one that is reached or abstains', () => {
    const length = (lengthReward: number, lengthRewardStd: number, lengthPaid = 1) =>
      constant({ lengthReward, lengthRewardStd, lengthPaid }, 12);
    expect(texts(grpo, length(0, 0))).toEqual([expect.stringMatching(/^length reward 0, below/) as string]);
    expect(texts(grpo, length(1, 0))).toEqual([]);
    expect(texts(grpo, length(0, 0, 0))).toEqual([]);
    // Gains and losses that cancel out still teach.
    expect(texts(grpo, length(0, 0.3))).toEqual([]);
  });

  it('hold spans against their start where no span is annotated', () => {
    const blind = grpoWatchers([testSample('n', 'Normal', [], { split: 'rl' })]);
    const own = /^mean span width .* as wide as at the start/;
    expect(texts(blind, ramp('spanWidth', 0.3, 0.6))).toEqual([expect.stringMatching(own) as string]);
    expect(texts(blind, ramp('spanWidth', 0.3, 0.32))).toEqual([]);
    // A step without any predicted span logs 0, which is no width.
    expect(texts(blind, [...constant({ spanWidth: 0 }, 10), ...constant({ spanWidth: 0.5 }, 30)])).toEqual(
      [],
    );
  });

  it('allow what the labels make right', () => {
    const abnormal = Array.from({ length: 19 }, (_, i) =>
      testSample(`a${i}`, 'Abnormal', [], { split: 'rl' }),
    );
    const skewed = grpoWatchers([...abnormal, testSample('n', 'Normal', [], { split: 'rl' })]);
    expect(texts(skewed, constant({ predictedAbnormal: 0.95 }, 20))).toEqual([]);
    expect(texts(skewed, constant({ predictedAbnormal: 1 }, 20))).toHaveLength(1);
  });
});

describe('the watchers of supervised phases', () => {
  const validation = (...losses: number[]) => losses.map((validationLoss) => ({ validationLoss }));

  it('tell over-fitting from a validation loss that falls', () => {
    expect(texts(supervisedWatchers, validation(1, 0.5, 0.54, 0.52))).toEqual([]);
    expect(texts(supervisedWatchers, validation(1, 0.5, 0.56))).toEqual([
      expect.stringMatching(/^validation loss 0\.56, above 0\.55: .*over-fitting/) as string,
    ]);
    expect(texts(supervisedWatchers, validation(3))).toEqual([]);
  });

  it.each(['tokenAccuracy', 'patchAccuracy'])('tell a %s that stands still', (column) => {
    expect(texts(supervisedWatchers, ramp(column, 0.2, 0.2, 80))).toEqual([
      expect.stringMatching(/nothing is learnt/) as string,
    ]);
    expect(texts(supervisedWatchers, ramp(column, 0.2, 0.2, 49))).toEqual([]);
    expect(texts(supervisedWatchers, ramp(column, 0.2, 0.9, 80))).toEqual([]);
    expect(texts(supervisedWatchers, ramp(column, 0.97, 0.97, 80))).toEqual([]);
  });
});
