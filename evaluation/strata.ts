import type { Sample } from '../datasets/sample.js';

/** A subset of the evaluated videos, by position in their list. */
export interface Stratum {
  readonly by: 'label' | 'category' | 'duration';
  readonly name: string;
  readonly positions: readonly number[];
}

const durations = [
  { name: 'under 10 s', below: 10 },
  { name: '10 s to 1 min', below: 60 },
  { name: '1 to 5 min', below: 300 },
  { name: '5 min and longer', below: Infinity },
] as const;

/** Metrics worth showing on a subset. */
export const stratumMetrics = [
  'all_videos.accuracy',
  'abnormal_only.miou',
  'all_videos.format_valid',
] as const;

/**
 * Subsets by label, by category (Abnormal videos with a known one, in alphabetical order) and by duration. Empty ones are
 * left out, and so is one that holds every video: it would repeat the main table.
 */
export function strata(samples: readonly Sample[]): Stratum[] {
  const categories = [
    ...new Set(
      samples.flatMap(({ label, category }) => (label === 'Abnormal' && category !== null ? [category] : [])),
    ),
  ].sort();
  return [
    ...(['Normal', 'Abnormal'] as const).map((label) =>
      stratum('label', label, samples, (sample) => sample.label === label),
    ),
    ...categories.map((category) =>
      stratum(
        'category',
        category,
        samples,
        (sample) => sample.label === 'Abnormal' && sample.category === category,
      ),
    ),
    ...durations.map(({ name }) =>
      stratum('duration', name, samples, (sample) => durationClass(sample) === name),
    ),
  ].filter(({ positions }) => positions.length > 0 && positions.length < samples.length);
}

function durationClass(sample: Sample): string {
  const seconds = sample.frames / sample.fps;
  return durations.find(({ below }) => seconds < below)!.name;
}

function stratum(
  by: Stratum['by'],
  name: string,
  samples: readonly Sample[],
  has: (sample: Sample) => boolean,
): Stratum {
  return { by, name, positions: samples.flatMap((sample, position) => (has(sample) ? [position] : [])) };
}
