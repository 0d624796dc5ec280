import type { Random } from '../../core/random.js';
import { hull, targetOf, type TargetSpan } from '../../datasets/interval.js';
import type { Span } from '../../datasets/sample.js';
import { remainingIndices, resample } from '../../video/sampling.js';

/** What the policy is shown of a video: all of it, or what a cut leaves. */
export interface View {
  /** `full`, or `trim-0`, `trim-1`, ... */
  readonly name: string;
  /** Frame indices of the video, ascending; an even number of them. */
  readonly frames: readonly number[];
  /** What was cut out, as fractions of the video. */
  readonly cut: Span | null;
}

/** Added on both sides when an anomaly is cut out, so that its edge is gone too. */
const MARGIN = 0.03;
const TRIES = 8;
/** Fewer anomalous frames than this, of those the policy sees, are a sliver that nobody could learn from. */
const LEAST_EVENT_FRAMES = 2;

/** Whether a frame lies in one of the spans: start <= index / count < end. */
export function liesIn(frame: number, frameCount: number, spans: readonly Span[]): boolean {
  const at = frame / frameCount;
  return spans.some(([start, end]) => start <= at && at < end);
}

/**
 * Views with a random segment cut out, so that the inputs of verification are familiar to the policy: .15 to .5 of the
 * video, or (half of the time, if there is an anomaly) exactly the anomaly, or (40%) as much from the beginning or the
 * end. A cut inside the anomaly takes all of it. The frames are taken again, uniformly, from the pool that remains. A cut
 * that leaves a sliver of the anomaly, too few frames, or all of them, is drawn again, at most 8 times; then the view is
 * left out.
 *
 * @param video.pool frame indices to choose from, ascending, each once
 * @param video.spans annotated anomalies; empty on Normal
 * @param count frames that the policy sees
 */
export function trimmedViews(
  video: { readonly frameCount: number; readonly pool: readonly number[]; readonly spans: readonly Span[] },
  count: number,
  views: number,
  random: Random,
): View[] {
  const { frameCount, pool, spans } = video;
  const least = Math.max(count / 2, pool.length / 8);
  const found: View[] = [];
  for (let v = 0; v < views; v++) {
    for (let tries = 0; tries < TRIES; tries++) {
      const cut = drawCut(spans, random);
      const left = remainingIndices(pool, frameCount, [cut]);
      if (left.length === pool.length || left.length < least) continue;
      const frames = resample(pool, left, count);
      const eventFrames = frames.filter((frame) => liesIn(frame, frameCount, spans)).length;
      const eventLeft = left.some((frame) => liesIn(frame, frameCount, spans));
      if (eventLeft && eventFrames < LEAST_EVENT_FRAMES) continue;
      found.push({ name: `trim-${v}`, frames, cut });
      break;
    }
  }
  return found;
}

function drawCut(spans: readonly Span[], random: Random): Span {
  const anomaly = hull(spans);
  const whole: Span | null = anomaly && [anomaly[0] - MARGIN, anomaly[1] + MARGIN];
  let length = random.uniform(0.15, 0.5);
  let start = random.uniform(0, 1 - length);
  if (whole !== null && random.chance(0.5)) {
    start = whole[0];
    length = whole[1] - whole[0];
  }
  if (random.chance(0.4)) start = random.chance(0.5) ? 0 : 1 - length;
  if (whole !== null && start > whole[0] && start + length < whole[1]) {
    start = whole[0];
    length = whole[1] - whole[0];
  }
  return [Math.max(0, start), Math.min(1, start + length)];
}

/** Which temporal patches of a view (two frames each) show the anomaly, and the span that `<when>` names. */
export interface ViewEvents {
  readonly patches: readonly boolean[];
  /** On the grid of the patches; null when no patch shows the anomaly. */
  readonly target: TargetSpan | null;
}

/**
 * Places annotated spans on the temporal patches of a view. In the full view an anomaly too short for any of its frames
 * is given the patch of its middle, since the label says that it is there.
 */
export function eventsIn(view: View, frameCount: number, spans: readonly Span[]): ViewEvents {
  const count = view.frames.length / 2;
  const patches = Array.from({ length: count }, (_, k) =>
    [2 * k, 2 * k + 1].some((i) => liesIn(view.frames[i]!, frameCount, spans)),
  );
  const main = targetOf(spans);
  if (view.cut === null && main !== null && !patches.includes(true)) {
    const middle = (main.span[0] + main.span[1]) / 2;
    patches[Math.min(count - 1, Math.floor(middle * count))] = true;
  }
  const runs: Span[] = patches.flatMap((on, k): Span[] => (on ? [[k / count, (k + 1) / count]] : []));
  return { patches, target: targetOf(runs) };
}
