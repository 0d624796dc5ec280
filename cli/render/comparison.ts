import type { Comparison, ComparedCheckpoint } from '../../evaluation/compare.js';
import type { Estimate } from '../../evaluation/result.js';
import { cellText, share } from '../../evaluation/tables.js';
import { points } from '../../evaluation/report/words.js';
import { branchStage } from './branch-stage.js';
import { columns } from './columns.js';

/** The variants beside the run: what they do not share with it, and how far from the run's own checkpoint they are. */
export function comparisonText({ checkpoints, confidence, trueSpanWidth }: Comparison): string {
  const own = checkpoints.filter(({ sameAs }) => sameAs === null);
  const rows = own.map((row) => [
    branchStage({ variant: row.variant, name: row.checkpoint }),
    cell(row.metrics['all_videos.accuracy']),
    againstRun(row),
    cell(row.metrics['abnormal_only.miou']),
    widthText(row.metrics['abnormal_only.span_width']),
  ]);
  const truth =
    trueSpanWidth === null ? '' : `; the anomalies themselves last ${share(trueSpanWidth)} on average`;
  return (
    columns([['variant', 'accuracy', 'against the run', 'mIoU (abnormal_only)', 'mean span'], ...rows]) +
    `\npaired differences in points with ${Math.round(100 * confidence)}% intervals over the videos, not over training seeds${truth}\n`
  );
}

function widthText(estimate: Estimate | undefined): string {
  return estimate?.value == null ? '-' : share(estimate.value);
}

function cell(estimate: Estimate | undefined): string {
  return estimate === undefined ? '-' : cellText(estimate);
}

/** Accuracy against the run's own checkpoint of the same name. */
function againstRun({ variant, checkpoint, gains }: ComparedCheckpoint): string {
  const gain = gains.find((other) => other.variant === null && other.checkpoint === checkpoint);
  const change = variant === null ? undefined : gain?.metrics['all_videos.accuracy'];
  if (change?.value == null || change.low === null || change.high === null) return '';
  return `${points(change.value)} [${points(change.low)}, ${points(change.high)}]`;
}
