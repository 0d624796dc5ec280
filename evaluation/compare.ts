import { z } from 'zod';
import type { EvaluationConfig } from '../config/evaluation.js';
import { splits } from '../config/dataset.js';
import { Random } from '../core/random.js';
import { answersTwice, completionShapes } from '../datasets/answer.js';
import type { Sample } from '../datasets/sample.js';
import type { AnsweredVideo } from './answered-video.js';
import { bootstrap } from './bootstrap.js';
import { difference, estimate } from './estimates.js';
import { answerAll, type CheckpointPredictions } from './evaluate.js';
import { metricDefinition, metricDefinitions } from './metrics.js';
import type { Ratio } from './ratio.js';
import { reflectionTransitions } from './reflection.js';
import { CheckpointResult, Difference, Estimate } from './result.js';
import { trueSpanWidth } from './span-width.js';

/** What is compared, in the order of the tables. */
export const comparedMetrics = [
  'all_videos.accuracy',
  'abnormal_only.miou',
  'abnormal_only.span_width',
  'all_videos.format_valid',
  'all_videos.f1',
  'abnormal_only.r@0.5',
  'all_videos.first_accuracy',
  'all_videos.reflection_gain',
  'all_videos.wrong_to_right',
  'all_videos.right_to_wrong',
  'abnormal_only.first_miou',
] as const;

/** A checkpoint of a branch: of a variant, or of the run itself (null). */
const Named = z.strictObject({ variant: z.string().nullable(), checkpoint: z.string() });
type Named = z.infer<typeof Named>;

const ComparedCheckpoint = Named.extend({
  shape: z.enum(completionShapes),
  /** The earlier row with the very same answers: the branches share the stage. */
  sameAs: Named.nullable(),
  metrics: z.record(z.string(), Estimate),
  transitions: CheckpointResult.shape.transitions,
  /**
   * Paired differences to the checkpoints before it in its branch, and to those of the same name in the run itself and in the
   * variant that its own extends.
   */
  gains: z.array(Named.extend({ metrics: z.record(z.string(), Difference) })),
});
export type ComparedCheckpoint = z.infer<typeof ComparedCheckpoint>;

/** What the `compare` stage publishes: every branch of a run on the same videos. */
export const Comparison = z.strictObject({
  schema: z.literal(1),
  split: z.enum(splits),
  videos: z.int(),
  confidence: z.number(),
  bootstrapResamples: z.int(),
  seed: z.int(),
  /** Mean length of the annotated anomalies, to hold `span_width` against. */
  trueSpanWidth: z.number().nullable(),
  checkpoints: z.array(ComparedCheckpoint),
});
export type Comparison = z.infer<typeof Comparison>;

/** One branch's answers; `digests` tell which checkpoints gave the same ones. */
export interface ComparedBranch {
  readonly variant: string | null;
  /** The variant that it extends; null for one of the run itself, and for the run. */
  readonly extended: string | null;
  readonly checkpoints: readonly (CheckpointPredictions & { readonly digest: string })[];
}

interface Tested extends Named {
  readonly extended: string | null;
  readonly shape: CheckpointPredictions['shape'];
  readonly digest: string;
  readonly videos: readonly AnsweredVideo[];
  readonly ratios: ReadonlyMap<string, Ratio>;
}

/**
 * Measures every checkpoint of every branch on one split, with one bootstrap for all, so that every difference is paired.
 *
 * @param branches the run itself first
 * @throws TerminalError as {@link answerAll}
 */
export function compareBranches(
  samples: readonly Sample[],
  branches: readonly ComparedBranch[],
  config: EvaluationConfig,
  seed: number,
): Comparison {
  const held = samples
    .filter(({ split }) => split === config.split)
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const tested = branches.flatMap((branch) => answers(held, branch, config.split));
  const first = new Map<string, Tested>();
  for (const one of tested) if (!first.has(one.digest)) first.set(one.digest, one);
  const unique = [...first.values()];
  const all = unique.flatMap(({ ratios }) => [...ratios.values()]);
  // The resamples of `evaluate`: the same checkpoint has the same interval in both.
  const resampled = bootstrap(all, config.bootstrapResamples, Random.from(seed, 'evaluate', 'bootstrap'));
  const drawsOf = new Map(all.map((ratio, index) => [ratio, resampled[index]!]));
  const measured = (one: Tested, metric: string) => {
    const ratio = first.get(one.digest)!.ratios.get(metric);
    return ratio === undefined ? null : { ratio, draws: drawsOf.get(ratio)! };
  };
  const metricsOf = <T>(of: (metric: string) => T | null): Record<string, T> =>
    Object.fromEntries(
      comparedMetrics.flatMap((metric) => {
        const value = of(metric);
        return value === null ? [] : [[metric, value]];
      }),
    );
  return {
    schema: 1,
    split: config.split,
    videos: held.length,
    confidence: config.confidence,
    bootstrapResamples: config.bootstrapResamples,
    seed,
    trueSpanWidth: trueSpanWidth(held),
    checkpoints: tested.map((one) => {
      const same = first.get(one.digest)!;
      return {
        variant: one.variant,
        checkpoint: one.checkpoint,
        shape: one.shape,
        sameAs: same === one ? null : named(same),
        metrics: metricsOf((metric) => {
          const found = measured(one, metric);
          return found === null ? null : estimate(found, config.confidence);
        }),
        transitions: answersTwice(one.shape) ? reflectionTransitions(one.videos) : null,
        gains: comparable(tested, one).map((other) => ({
          ...named(other),
          metrics: metricsOf((metric) => {
            const from = measured(other, metric);
            const to = measured(one, metric);
            if (from === null || to === null) return null;
            return difference(from, to, config.confidence, metricDefinition(metric).better === 'higher');
          }),
        })),
      };
    }),
  };
}

function answers(samples: readonly Sample[], branch: ComparedBranch, split: string): Tested[] {
  const { variant, extended } = branch;
  const answered = answerAll(samples, branch.checkpoints, split);
  return branch.checkpoints.map(({ checkpoint, shape, digest }) => {
    const videos = answered.get(checkpoint)!;
    const wanted: readonly string[] = comparedMetrics;
    const ratios = metricDefinitions
      .filter(({ name, reflective }) => wanted.includes(name) && (answersTwice(shape) || !reflective))
      .map(({ name, of }) => [name, of(videos)] as const);
    return { variant, extended, checkpoint, shape, digest, videos, ratios: new Map(ratios) };
  });
}

/**
 * What a checkpoint is held against: those before it in its branch, then those of the same name in the run itself and in the
 * variant that its own extends.
 */
function comparable(tested: readonly Tested[], one: Tested): Tested[] {
  const own = tested.filter(({ variant }) => variant === one.variant);
  const before = own.slice(0, own.indexOf(one));
  if (one.variant === null) return before;
  const bases = new Set([null, one.extended]);
  const same = tested.filter(
    ({ variant, checkpoint }) => bases.has(variant) && checkpoint === one.checkpoint,
  );
  return [...before, ...same];
}

function named({ variant, checkpoint }: Named): Named {
  return { variant, checkpoint };
}
