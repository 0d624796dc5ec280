import { intervalIoU } from '../../datasets/interval.js';
import type { Reward } from './reward.js';

/**
 * Temporal intersection over union of the final span with the union of the annotated ones, in [0, 1]; 0 when Normal is
 * said or the span is invalid. Abstains on Normal truth (there it would only double accuracy) and where no span is known.
 */
export const tiou: Reward = (completions, { label, spans }) =>
  completions.map(({ final }) => {
    if (label === 'Normal' || spans.length === 0) return null;
    return intervalIoU(final.verdict === 'Abnormal' ? final.span : null, spans);
  });
