import type { AnsweredVideo } from './answered-video.js';
import { detectionAllVideos, detectionUpstream } from './detection.js';
import { formatMetrics } from './format.js';
import { groundingAbnormalOnly, groundingAllVideos, groundingUpstream } from './grounding.js';
import type { Ratio } from './ratio.js';
import { spanWidth } from './span-width.js';
import { firstPass, reflectionMetrics } from './reflection.js';

/** What a metric is called and how to read it. Its name always carries the policy: `<policy>.<metric>`. */
export interface MetricDefinition {
  readonly name: string;
  /** For people, without the policy. */
  readonly label: string;
  readonly policy: 'all_videos' | 'abnormal_only' | 'vadr1_upstream';
  /** `neither`: more of it can be good or bad (a policy that spoils its first answer corrects itself often). */
  readonly better: 'higher' | 'lower' | 'neither';
  /** Only reflective checkpoints have it. */
  readonly reflective: boolean;
  readonly of: (videos: readonly AnsweredVideo[]) => Ratio;
}

type Row = readonly [
  metric: string,
  label: string,
  of: (videos: readonly AnsweredVideo[]) => Ratio,
  better?: 'lower' | 'neither',
  reflective?: 'reflective',
];

function define(policy: MetricDefinition['policy'], rows: readonly Row[]): MetricDefinition[] {
  return rows.map(([metric, label, of, better, reflective]) => ({
    name: `${policy}.${metric}`,
    label,
    policy,
    better: better ?? 'higher',
    reflective: reflective !== undefined,
    of,
  }));
}

/** Every metric, in the order of the tables. */
export const metricDefinitions: readonly MetricDefinition[] = [
  ...define('all_videos', [
    ['accuracy', 'Accuracy', (v) => detectionAllVideos(v).accuracy],
    ['precision', 'Precision', (v) => detectionAllVideos(v).precision],
    ['recall', 'Recall', (v) => detectionAllVideos(v).recall],
    ['f1', 'F1', (v) => detectionAllVideos(v).f1],
    ['miou', 'mIoU', (v) => groundingAllVideos(v).miou],
    ['r@0.3', 'R@0.3', (v) => groundingAllVideos(v)['r@0.3']],
    ['r@0.5', 'R@0.5', (v) => groundingAllVideos(v)['r@0.5']],
    ['r@0.7', 'R@0.7', (v) => groundingAllVideos(v)['r@0.7']],
  ]),
  ...define('abnormal_only', [
    ['miou', 'mIoU', (v) => groundingAbnormalOnly(v).miou],
    ['r@0.3', 'R@0.3', (v) => groundingAbnormalOnly(v)['r@0.3']],
    ['r@0.5', 'R@0.5', (v) => groundingAbnormalOnly(v)['r@0.5']],
    ['r@0.7', 'R@0.7', (v) => groundingAbnormalOnly(v)['r@0.7']],
    ['span_width', 'Mean span width', spanWidth, 'neither'],
  ]),
  ...define('vadr1_upstream', [
    ['accuracy', 'Accuracy', (v) => detectionUpstream(v).accuracy],
    ['precision', 'Precision', (v) => detectionUpstream(v).precision],
    ['recall', 'Recall', (v) => detectionUpstream(v).recall],
    ['f1', 'F1', (v) => detectionUpstream(v).f1],
    ['miou', 'mIoU', (v) => groundingUpstream(v).miou],
    ['r@0.3', 'R@0.3', (v) => groundingUpstream(v)['r@0.3']],
    ['r@0.5', 'R@0.5', (v) => groundingUpstream(v)['r@0.5']],
    ['r@0.7', 'R@0.7', (v) => groundingUpstream(v)['r@0.7']],
  ]),
  ...define('all_videos', [
    ['format_valid', 'Valid format', (v) => formatMetrics(v).valid],
    ['truncated', 'Truncated', (v) => formatMetrics(v).truncated, 'lower'],
    ['unparsable', 'Unparsable', (v) => formatMetrics(v).unparsable, 'lower'],
    ['category_answer', 'Category instead of verdict', (v) => formatMetrics(v).category, 'lower'],
    ['missing', 'No prediction', (v) => formatMetrics(v).missing, 'lower'],
    [
      'first_accuracy',
      'First-answer accuracy',
      (v) => reflectionMetrics(v).firstAccuracy,
      undefined,
      'reflective',
    ],
    [
      'reflection_gain',
      'Final minus first accuracy',
      (v) => reflectionMetrics(v).gain,
      undefined,
      'reflective',
    ],
    [
      'wrong_to_right',
      'Wrong, then right',
      (v) => reflectionMetrics(v).wrongToRight,
      'neither',
      'reflective',
    ],
    ['right_to_wrong', 'Right, then wrong', (v) => reflectionMetrics(v).rightToWrong, 'lower', 'reflective'],
    ['reflection_present', 'With a reflection', (v) => reflectionMetrics(v).present, undefined, 'reflective'],
  ]),
  ...define('abnormal_only', [
    [
      'first_miou',
      'First-answer mIoU',
      (v) => groundingAbnormalOnly(v, firstPass).miou,
      undefined,
      'reflective',
    ],
  ]),
];

const byName = new Map(metricDefinitions.map((definition) => [definition.name, definition]));

/** The definition behind a name; throws a RangeError listing the names for an unknown one. */
export function metricDefinition(name: string): MetricDefinition {
  const definition = byName.get(name);
  if (definition === undefined) {
    throw new RangeError(`unknown metric ${name}; known: ${[...byName.keys()].join(', ')}`);
  }
  return definition;
}

/** All metrics of one checkpoint or baseline, in the order of {@link metricDefinitions}. */
export function metricRatios(videos: readonly AnsweredVideo[], reflective: boolean): Map<string, Ratio> {
  return new Map(
    metricDefinitions
      .filter((definition) => reflective || !definition.reflective)
      .map((definition) => [definition.name, definition.of(videos)]),
  );
}
