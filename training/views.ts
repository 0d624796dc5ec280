import type { Random } from '../core/random.js';
import type { Sample } from '../datasets/sample.js';
import type { Target } from '../datasets/target.js';

/** What a sample is trained on: its whole view and those with a segment cut out. */
export interface SampleViews {
  readonly sample: Sample;
  readonly full: Target;
  readonly trimmed: readonly Target[];
}

/** The views of the samples of one split that have a whole view, in the order of the samples. */
export function viewsOf(
  samples: readonly Sample[],
  targets: readonly Target[],
  split: Sample['split'],
): SampleViews[] {
  const bySample = new Map<string, Target[]>();
  for (const target of targets) {
    const own = bySample.get(target.sampleId);
    if (own === undefined) bySample.set(target.sampleId, [target]);
    else own.push(target);
  }
  const views: SampleViews[] = [];
  for (const sample of samples) {
    if (sample.split !== split) continue;
    const own = bySample.get(sample.id) ?? [];
    const full = own.find((target) => target.view === 'full');
    if (full !== undefined) views.push({ sample, full, trimmed: own.filter((target) => target !== full) });
  }
  return views;
}

/** A trimmed view with probability `trimmedShare`, where there is one; else the whole view. */
export function drawView(views: SampleViews, trimmedShare: number, random: Random): Target {
  const trimmed = random.chance(trimmedShare);
  return trimmed && views.trimmed.length > 0 ? random.choice(views.trimmed) : views.full;
}

/** The frames that any view of a sample shows. */
export function wantedFrames(views: readonly SampleViews[]): (sampleId: string) => readonly number[] | null {
  const wanted = new Map(
    views.map(({ sample, full, trimmed }) => [
      sample.id,
      [full, ...trimmed].flatMap((target) => target.frames),
    ]),
  );
  return (sampleId) => wanted.get(sampleId) ?? null;
}
