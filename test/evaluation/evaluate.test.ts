import { describe, expect, it } from 'vitest';
import { EvaluationConfig } from '../../config/evaluation.js';
import { canonicalJson } from '../../core/canonical-json.js';
import { Random } from '../../core/random.js';
import type { Prediction } from '../../datasets/target.js';
import type { Sample, Span } from '../../datasets/sample.js';
import { evaluate, type CheckpointPredictions } from '../../evaluation/evaluate.js';
import { EvaluationResult, PerSample } from '../../evaluation/result.js';
import { passText, reflectiveText, testSample } from './videos.js';

const config = EvaluationConfig.parse({ bootstrapResamples: 300 });
const answer = (sampleId: string, text: string, finish: Prediction['finish'] = 'stop'): Prediction => ({
  sampleId,
  text,
  finish,
  tokens: 100,
});

const samples: Sample[] = [
  testSample('n1', 'Normal'),
  testSample('n2', 'Normal', [], { frames: 1600 }),
  testSample('a1', 'Abnormal', [[0, 0.5]]),
  testSample('a2', 'Abnormal', [[0.5, 1]], { category: 'Explosion' }),
  testSample('a3', 'Abnormal', []),
  testSample('elsewhere', 'Normal', [], { split: 'sft' }),
];
const sft: CheckpointPredictions = {
  checkpoint: 'sft',
  shape: 'single',
  predictions: [
    answer('n1', passText(null)),
    answer('n2', passText([0, 1])),
    answer('a1', passText([0, 0.25])),
    answer('a2', 'I cannot say', 'length'),
  ],
};
const grpo: CheckpointPredictions = {
  checkpoint: 'grpo',
  shape: 'reflective',
  predictions: [
    answer('n1', reflectiveText(null, null)),
    answer('n2', reflectiveText([0, 1], null)),
    answer('a1', reflectiveText([0, 0.5], [0, 0.5])),
    answer('a2', reflectiveText([0.5, 1], null)),
    answer('a3', passText([0, 1])),
  ],
};
const run = (checkpoints: readonly CheckpointPredictions[] = [sft, grpo], seed = 1) =>
  evaluate({ samples, checkpoints, config, seed });

describe('evaluate', () => {
  const { result, perSample } = run();
  const metric = (index: number, name: string) => result.checkpoints[index]!.metrics[name]?.value;

  it('reads completions, scores the split only, and finds what is missing', () => {
    expect(result.videos).toBe(5);
    expect(result.labels).toEqual({ Normal: 2, Abnormal: 3 });
    expect(result.withoutSpan).toBe(1);
    expect(result.checkpoints[0]!.outcomes).toMatchObject({
      ok: 3,
      'missing-which': 1,
      'missing-prediction': 1,
    });
    expect(result.checkpoints[0]!.truncated).toBe(1);
    expect(metric(0, 'all_videos.accuracy')).toBe(0.4);
    expect(metric(0, 'abnormal_only.miou')).toBe(0.25);
    expect(metric(0, 'all_videos.format_valid')).toBe(0.6);
    expect(metric(0, 'vadr1_upstream.accuracy')).toBe(0.75);
  });

  it('scores the final answer of a reflective completion and keeps the first apart', () => {
    expect(result.checkpoints[1]!.outcomes).toMatchObject({ ok: 4, 'missing-pass': 1 });
    expect(metric(1, 'all_videos.accuracy')).toBe(0.6);
    expect(metric(1, 'all_videos.first_accuracy')).toBe(0.8); // n1, a1, a2, a3 are right at first
    expect(result.checkpoints[1]!.transitions).toEqual({
      rightToRight: 2,
      rightToWrong: 2,
      wrongToRight: 1,
      wrongToWrong: 0,
    });
    expect(metric(0, 'all_videos.first_accuracy')).toBeUndefined();
    expect(result.checkpoints[0]!.transitions).toBeNull();
  });

  it('gives every estimate an interval around it', () => {
    for (const { metrics } of [...result.checkpoints, ...result.baselines]) {
      for (const { value, low, high } of Object.values(metrics)) {
        if (value === null) continue;
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
      }
    }
  });

  it('compares successive checkpoints, and the last with the first when there are more', () => {
    expect(result.comparisons.map(({ from, to }) => `${from} -> ${to}`)).toEqual(['sft -> grpo']);
    expect(result.comparisons[0]!.metrics['all_videos.accuracy']).toMatchObject({
      value: 0.2,
      verdict: 'unclear',
    });
    const three = run([sft, { ...grpo, checkpoint: 'reflection-sft' }, grpo]).result;
    expect(three.comparisons.map(({ from, to }) => `${from} -> ${to}`)).toEqual([
      'sft -> reflection-sft',
      'reflection-sft -> grpo',
      'sft -> grpo',
    ]);
    // Equal answers: no difference at all, and no claim of one.
    for (const difference of Object.values(three.comparisons[1]!.metrics)) {
      expect([0, null]).toContain(difference.value);
      expect(difference.verdict).toBe('unclear');
    }
  });

  it('breaks results down by label, category and duration', () => {
    expect(result.strata.map(({ by, stratum, videos }) => [by, stratum, videos])).toEqual([
      ['label', 'Normal', 2],
      ['label', 'Abnormal', 3],
      ['category', 'Explosion', 1],
      ['category', 'Fire', 2],
      ['duration', '10 s to 1 min', 4],
      ['duration', '1 to 5 min', 1],
    ]);
    const fire = result.strata.find(({ stratum }) => stratum === 'Fire')!;
    expect(fire.checkpoints.sft!['abnormal_only.miou']).toMatchObject({ value: 0.5, videos: 1 });
    expect(fire.checkpoints.grpo!['all_videos.accuracy']).toMatchObject({ value: 0.5, videos: 2 });
  });

  it('gives one row per sample, in order of id', () => {
    expect(perSample.map(({ sampleId }) => sampleId)).toEqual(['a1', 'a2', 'a3', 'n1', 'n2']);
    expect(perSample[0]).toEqual({
      sampleId: 'a1',
      truth: { label: 'Abnormal', category: 'Fire', spans: [[0, 0.5]] },
      seconds: 10,
      checkpoints: {
        sft: {
          outcome: 'ok',
          verdict: 'Abnormal',
          span: [0, 0.25],
          right: true,
          iou: 0.5,
          truncated: false,
          formatValid: true,
          words: expect.any(Number) as number,
          tokens: 100,
          first: null,
        },
        grpo: expect.objectContaining({
          iou: 1,
          first: { outcome: 'ok', verdict: 'Abnormal', span: [0, 0.5], right: true, iou: 1 },
        }) as unknown,
      },
    });
    expect(perSample[2]!.checkpoints.sft).toMatchObject({
      outcome: 'missing-prediction',
      right: false,
      iou: null,
    });
  });

  it('matches its schema, survives JSON, and is the same bytes again', () => {
    const text = canonicalJson(result);
    expect(EvaluationResult.parse(JSON.parse(text))).toEqual(result);
    for (const row of perSample) expect(PerSample.parse(JSON.parse(JSON.stringify(row)))).toEqual(row);
    expect(JSON.stringify(run())).toBe(JSON.stringify(run()));
    const reversed = evaluate({ samples: [...samples].reverse(), checkpoints: [sft, grpo], config, seed: 1 });
    expect(JSON.stringify(reversed)).toBe(JSON.stringify(run()));
    expect(JSON.stringify(run(undefined, 2))).not.toBe(JSON.stringify(run()));
  });

  it('says better only when the interval leaves out zero, and knows which way is good', () => {
    const many = Array.from({ length: 60 }, (_, index) =>
      testSample(`v${String(index).padStart(2, '0')}`, 'Normal'),
    );
    const from = many.map(({ id }, index) =>
      answer(id, index % 2 === 0 ? 'nothing' : passText(null), index % 2 === 0 ? 'length' : 'stop'),
    );
    const to = many.map(({ id }) => answer(id, passText(null)));
    const compare = (before: Prediction[], after: Prediction[]) =>
      evaluate({
        samples: many,
        checkpoints: [
          { checkpoint: 'before', shape: 'single', predictions: before },
          { checkpoint: 'after', shape: 'single', predictions: after },
        ],
        config,
        seed: 1,
      }).result.comparisons[0]!.metrics;
    const up = compare(from, to);
    expect(up['all_videos.accuracy']).toMatchObject({ value: 0.5, verdict: 'better' });
    expect(up['all_videos.truncated']).toMatchObject({ value: -0.5, verdict: 'better' });
    expect(up['abnormal_only.miou']).toEqual({ value: null, low: null, high: null, verdict: 'unclear' });
    const down = compare(to, from);
    expect(down['all_videos.accuracy']).toMatchObject({ value: -0.5, verdict: 'worse' });
    expect(down['all_videos.truncated']).toMatchObject({ value: 0.5, verdict: 'worse' });
  });

  it('finds the paired gain that a plain bootstrap finds', () => {
    const random = Random.from(6, 'evaluate test');
    const many = Array.from({ length: 120 }, (_, index) =>
      testSample(`v${String(index).padStart(3, '0')}`, 'Abnormal', [[0, 0.5]] satisfies Span[]),
    );
    const right = () => many.map(() => random.chance(0.7));
    const [before, after] = [right(), right()];
    const predictions = (list: boolean[]) =>
      many.map(({ id }, index) => answer(id, passText(list[index] === true ? [0, 0.5] : null)));
    const { comparisons } = evaluate({
      samples: many,
      checkpoints: [
        { checkpoint: 'before', shape: 'single', predictions: predictions(before) },
        { checkpoint: 'after', shape: 'single', predictions: predictions(after) },
      ],
      config: { ...config, bootstrapResamples: 4000 },
      seed: 3,
    }).result;
    const gains = Array.from({ length: 4000 }, () => {
      let gain = 0;
      for (let draw = 0; draw < 120; draw++) {
        const video = random.integer(120);
        gain += Number(after[video]) - Number(before[video]);
      }
      return gain / 120;
    }).sort((a, b) => a - b);
    const got = comparisons[0]!.metrics['all_videos.accuracy']!;
    expect(got.low).toBeCloseTo(gains[100]!, 1);
    expect(got.high).toBeCloseTo(gains[3899]!, 1);
  });

  it('refuses input that contradicts itself', () => {
    expect(() => evaluate({ samples: [], checkpoints: [sft], config, seed: 1 })).toThrow(/no samples/);
    expect(() => run([{ ...sft, predictions: [answer('elsewhere', 'x')] }])).toThrow(/not in the split test/);
    expect(() => run([{ ...sft, predictions: [answer('n1', 'x'), answer('n1', 'y')] }])).toThrow(
      /answers n1 twice/,
    );
    expect(() => run([sft, sft])).toThrow(/two checkpoints are named sft/);
  });
});
