import { differenceInWords, percent, points } from '../../evaluation/report/words.js';
import type { CheckpointResult, EvaluationResult } from '../../evaluation/result.js';
import { share } from '../../evaluation/tables.js';
import { columns } from './columns.js';

/** What each training step is asked about, with its name for people. */
const asked = [
  ['all_videos.accuracy', 'accuracy'],
  ['abnormal_only.miou', 'mIoU (abnormal_only)'],
] as const;

/**
 * What each stage changed, paired on the same videos and in words, so that a failed improvement reads as one; how wide the
 * predicted spans are against the true ones; what reflecting did.
 */
export function learningText(result: EvaluationResult): string {
  const { comparisons, checkpoints, trueSpanWidth } = result;
  const gains = comparisons.flatMap(({ from, to, metrics }) =>
    asked.flatMap(([metric, label]) => {
      const change = metrics[metric];
      return change === undefined ? [] : [[`${from} -> ${to}`, label, differenceInWords(change)]];
    }),
  );
  const widths = checkpoints.flatMap(({ checkpoint, metrics }) => {
    const width = metrics['abnormal_only.span_width']?.value;
    return width == null ? [] : [`${checkpoint} ${share(width)}`];
  });
  const truth = trueSpanWidth === null ? '' : `; in truth ${share(trueSpanWidth)}`;
  const spans = widths.length === 0 ? '' : `mean predicted span: ${widths.join(', ')}${truth}\n`;
  return columns(gains) + spans + checkpoints.map(reflectionLine).join('');
}

function reflectionLine({ checkpoint, transitions, metrics }: CheckpointResult): string {
  const gain = metrics['all_videos.reflection_gain'];
  if (transitions === null || gain?.value == null || gain.low === null || gain.high === null) return '';
  const first = metrics['all_videos.first_accuracy']?.value ?? null;
  return (
    `${checkpoint} reflecting: first answer ${percent(first)} right, the final one ` +
    `${points(gain.value)} points [${points(gain.low)}, ${points(gain.high)}]; ` +
    `${transitions.wrongToRight} corrected, ${transitions.rightToWrong} spoiled\n`
  );
}
