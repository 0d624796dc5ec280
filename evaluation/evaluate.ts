import type { EvaluationConfig } from '../config/evaluation.js';
import { TerminalError } from '../core/errors.js';
import { Random } from '../core/random.js';
import { answersTwice, type CompletionShape } from '../datasets/answer.js';
import type { Prediction } from '../datasets/target.js';
import type { Sample } from '../datasets/sample.js';
import { answerVideo } from './answer-video.js';
import type { AnsweredVideo } from './answered-video.js';
import { baselineAnswers, baselines } from './baselines.js';
import { bootstrap } from './bootstrap.js';
import { difference, estimate } from './estimates.js';
import { outcomeCounts } from './format.js';
import { metricDefinition, metricRatios } from './metrics.js';
import { perSampleRows } from './per-sample.js';
import type { Ratio } from './ratio.js';
import { reflectionTransitions } from './reflection.js';
import type { Estimate, EvaluationResult, PerSample } from './result.js';
import { trueSpanWidth } from './span-width.js';
import { strata, stratumMetrics, type Stratum } from './strata.js';

/** One checkpoint's answers to the benchmark. */
export interface CheckpointPredictions {
  /** Name in every table, e.g. the stage that made it. */
  readonly checkpoint: string;
  readonly shape: CompletionShape;
  /** At most one per sample of the evaluated split; samples without one are `missing`. */
  readonly predictions: readonly Prediction[];
}

export interface EvaluationInput {
  /** Samples of the run; those of `config.split` are evaluated. */
  readonly samples: readonly Sample[];
  /** In pipeline order: each is compared with the one before it. */
  readonly checkpoints: readonly CheckpointPredictions[];
  readonly config: EvaluationConfig;
  /** `seed.eval`. */
  readonly seed: number;
}

/**
 * Measures checkpoints on one split: metrics with bootstrap intervals, paired differences, trivial baselines, strata, and
 * one row per sample. Deterministic: equal input, equal output.
 * @throws TerminalError when the split is empty, a prediction names a sample outside it or is there twice, or two
 * checkpoints share a name
 */
export function evaluate(input: EvaluationInput): { result: EvaluationResult; perSample: PerSample[] } {
  const { config, seed } = input;
  const samples = input.samples
    .filter(({ split }) => split === config.split)
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  if (samples.length === 0) {
    throw new TerminalError('evaluation.no-samples', `the split ${config.split} has no samples`, {
      fix: 'give it a share in dataset.shares, or name another split in evaluation.split',
    });
  }
  const answered = answerAll(samples, input.checkpoints, config.split);

  const tested = input.checkpoints.map(({ checkpoint, shape }) => {
    const videos = answered.get(checkpoint)!;
    return { checkpoint, shape, videos, ratios: metricRatios(videos, answersTwice(shape)) };
  });
  const trivial = baselines(samples).map((baseline) => ({
    ...baseline,
    ratios: metricRatios(baselineAnswers(baseline, samples), false),
  }));

  // One bootstrap for everything, so that all differences are paired.
  const all = [...tested, ...trivial].flatMap(({ ratios }) => [...ratios.values()]);
  const resampled = bootstrap(all, config.bootstrapResamples, Random.from(seed, 'evaluate', 'bootstrap'));
  const drawsOf = new Map(all.map((ratio, index) => [ratio, resampled[index]!]));
  const draws = (ratio: Ratio) => drawsOf.get(ratio)!;
  const estimates = (ratios: ReadonlyMap<string, Ratio>) =>
    Object.fromEntries(
      [...ratios].map(([name, ratio]) => [name, estimate({ ratio, draws: draws(ratio) }, config.confidence)]),
    );

  const result: EvaluationResult = {
    schema: 1,
    split: config.split,
    videos: samples.length,
    labels: {
      Normal: samples.filter(({ label }) => label === 'Normal').length,
      Abnormal: samples.filter(({ label }) => label === 'Abnormal').length,
    },
    trueSpanWidth: trueSpanWidth(samples),
    withoutSpan: samples.filter(({ label, spans }) => label === 'Abnormal' && spans.length === 0).length,
    confidence: config.confidence,
    bootstrapResamples: config.bootstrapResamples,
    seed,
    checkpoints: tested.map(({ checkpoint, shape, videos, ratios }) => ({
      checkpoint,
      shape,
      outcomes: outcomeCounts(videos),
      truncated: videos.filter(({ truncated }) => truncated).length,
      metrics: estimates(ratios),
      transitions: answersTwice(shape) ? reflectionTransitions(videos) : null,
    })),
    comparisons: pairs(tested).map(([from, to]) => ({
      from: from.checkpoint,
      to: to.checkpoint,
      metrics: Object.fromEntries(
        [...to.ratios].flatMap(([name, after]) => {
          const before = from.ratios.get(name);
          return before === undefined || metricDefinition(name).better === 'neither'
            ? []
            : [
                [
                  name,
                  difference(
                    { ratio: before, draws: draws(before) },
                    { ratio: after, draws: draws(after) },
                    config.confidence,
                    metricDefinition(name).better === 'higher',
                  ),
                ],
              ];
        }),
      ),
    })),
    baselines: trivial.map(({ name, description, oracle, verdict, span, ratios }) => ({
      baseline: name,
      description,
      oracle,
      verdict,
      span,
      metrics: estimates(ratios),
    })),
    strata: strata(samples).map((stratum) => ({
      by: stratum.by,
      stratum: stratum.name,
      videos: stratum.positions.length,
      checkpoints: stratumEstimates(stratum, tested, config, seed),
    })),
  };
  return { result, perSample: perSampleRows(samples, tested) };
}

/**
 * Each checkpoint's answers to the samples, in their order.
 *
 * @throws TerminalError when a prediction names another sample or is there twice, or two checkpoints share a name
 */
export function answerAll(
  samples: readonly Sample[],
  checkpoints: readonly CheckpointPredictions[],
  split: string,
): Map<string, AnsweredVideo[]> {
  const known = new Set(samples.map(({ id }) => id));
  const answered = new Map<string, AnsweredVideo[]>();
  for (const { checkpoint, shape, predictions } of checkpoints) {
    if (answered.has(checkpoint)) {
      throw new TerminalError('evaluation.duplicate-checkpoint', `two checkpoints are named ${checkpoint}`);
    }
    const byId = new Map<string, Prediction>();
    for (const prediction of predictions) {
      const { sampleId } = prediction;
      if (!known.has(sampleId)) {
        throw new TerminalError(
          'evaluation.unknown-sample',
          `${checkpoint} answers ${sampleId}, which is not in the split ${split}`,
          { fields: { checkpoint, sampleId, split } },
        );
      }
      if (byId.has(sampleId)) {
        throw new TerminalError(
          'evaluation.duplicate-prediction',
          `${checkpoint} answers ${sampleId} twice`,
          {
            fields: { checkpoint, sampleId },
          },
        );
      }
      byId.set(sampleId, prediction);
    }
    answered.set(
      checkpoint,
      samples.map((sample) => answerVideo(sample, byId.get(sample.id), shape)),
    );
  }
  return answered;
}

/** Each with the one before it; with more than two also the last with the first. */
function pairs<T>(list: readonly T[]): [T, T][] {
  const successive = list.slice(1).map((item, index): [T, T] => [list[index]!, item]);
  return list.length > 2 ? [...successive, [list[0]!, list.at(-1)!]] : successive;
}

/** Metrics of every checkpoint on the videos of one stratum, with their own bootstrap over these. */
function stratumEstimates(
  stratum: Stratum,
  tested: readonly { readonly checkpoint: string; readonly videos: readonly AnsweredVideo[] }[],
  config: EvaluationConfig,
  seed: number,
): Record<string, Record<string, Estimate>> {
  const cells = tested.flatMap(({ checkpoint, videos }) => {
    const inside = stratum.positions.map((position) => videos[position]!);
    return stratumMetrics.map((name) => ({ checkpoint, name, ratio: metricDefinition(name).of(inside) }));
  });
  const random = Random.from(seed, 'evaluate', 'stratum', stratum.by, stratum.name);
  const draws = bootstrap(
    cells.map(({ ratio }) => ratio),
    config.bootstrapResamples,
    random,
  );
  const estimates: Record<string, Record<string, Estimate>> = {};
  for (const [index, { checkpoint, name, ratio }] of cells.entries()) {
    (estimates[checkpoint] ??= {})[name] = estimate({ ratio, draws: draws[index]! }, config.confidence);
  }
  return estimates;
}
