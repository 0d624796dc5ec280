import type { Sample } from '../datasets/sample.js';
import { coveredLength } from '../datasets/interval.js';
import type { AnsweredVideo } from './answered-video.js';
import { meanOf, type Ratio } from './ratio.js';

/**
 * Mean width of the predicted spans, in parts of the video, over the truth-Abnormal videos that are called Abnormal with a
 * span. Verification as published pays for wide spans: cut most of the video, and the rest looks normal.
 */
export function spanWidth(videos: readonly AnsweredVideo[]): Ratio {
  return meanOf(videos, ({ sample, final: { outcome, verdict, span } }) =>
    sample.label === 'Abnormal' && outcome === 'ok' && verdict === 'Abnormal' && span !== null
      ? span[1] - span[0]
      : null,
  );
}

/** Mean length of the annotated anomalies, in parts of the video; null where none is annotated. */
export function trueSpanWidth(samples: readonly Sample[]): number | null {
  const widths = samples.flatMap(({ label, spans }) =>
    label === 'Abnormal' && spans.length > 0 ? [coveredLength(spans)] : [],
  );
  return widths.length === 0 ? null : widths.reduce((sum, width) => sum + width, 0) / widths.length;
}
