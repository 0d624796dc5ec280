import type { PerSample } from '../result.js';

/** A sample worth showing, and why. */
export interface ExampleChoice {
  readonly sampleId: string;
  readonly why: string;
}

/**
 * Which samples a person should look at: corrections and mistakes of `checkpoint` (the last one of the run) first, then one of each category.
 * Each rule takes the first samples in order of id, so the choice follows from the answers alone.
 */
export function chooseExamples(
  perSample: readonly PerSample[],
  checkpoint: string,
  most = 10,
): ExampleChoice[] {
  const rows = perSample
    .filter((row) => row.checkpoints[checkpoint] !== undefined)
    .sort((a, b) => (a.sampleId < b.sampleId ? -1 : 1));
  const chosen = new Map<string, string>();
  const take = (
    count: number,
    why: string | ((row: PerSample) => string),
    fits: (row: PerSample) => boolean,
  ) => {
    const fitting = rows.filter((row) => !chosen.has(row.sampleId) && fits(row));
    for (const row of fitting.slice(0, Math.min(count, most - chosen.size))) {
      chosen.set(row.sampleId, typeof why === 'string' ? why : why(row));
    }
  };
  const last = (row: PerSample) => row.checkpoints[checkpoint]!;

  take(2, 'reflection corrected it', (row) => last(row).first?.right === false && last(row).right);
  take(1, 'reflection spoiled it', (row) => last(row).first?.right === true && !last(row).right);
  take(1, 'missed', (row) => row.truth.label === 'Abnormal' && last(row).verdict === 'Normal');
  take(1, 'false alarm', (row) => row.truth.label === 'Normal' && last(row).verdict === 'Abnormal');
  take(1, 'answer not usable', (row) => last(row).outcome !== 'ok');
  take(
    1,
    'right, in the wrong place',
    (row) => row.truth.label === 'Abnormal' && last(row).right && (last(row).iou ?? 1) < 0.3,
  );
  take(1, 'rightly called Normal', (row) => row.truth.label === 'Normal' && last(row).right);
  const categories = [...new Set(rows.flatMap(({ truth }) => truth.category ?? []))].sort();
  for (const category of categories)
    take(1, `first of ${category}`, (row) => row.truth.category === category);
  return [...chosen].map(([sampleId, why]) => ({ sampleId, why }));
}
