import { median, spread, type Spread } from '../side-by-side/statistics.js';

/** Resident bytes of a process at a time, in seconds from the start of the window. */
export interface MemorySample {
  readonly seconds: number;
  readonly bytes: number;
}

/** How the memory of a process went over a window; bytes. */
export interface Course {
  readonly samples: number;
  readonly resident: Spread;
  /** Medians of the first and of the last tenth of the samples. */
  readonly start: number;
  readonly end: number;
  /** Of the least-squares line. */
  readonly perHour: number;
  /** What that line grows by over the window, as a share of the median; negative where it falls. */
  readonly growth: number;
}

/** The course of a process's memory. RangeError on fewer than two samples, or on samples of one time. */
export function courseOf(samples: readonly MemorySample[]): Course {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || !(last.seconds > first.seconds))
    throw new RangeError('the course of memory needs samples of two times');
  const bytes = samples.map((sample) => sample.bytes);
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const slope = leastSquaresSlope(samples);
  return {
    samples: samples.length,
    resident: spread(bytes),
    start: median(bytes.slice(0, tenth)),
    end: median(bytes.slice(-tenth)),
    perHour: 3600 * slope,
    growth: (slope * (last.seconds - first.seconds)) / median(bytes),
  };
}

/** Bytes per second of the line with the least squared distances. */
function leastSquaresSlope(samples: readonly MemorySample[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [t, b] = [mean(samples.map(({ seconds }) => seconds)), mean(samples.map(({ bytes }) => bytes))];
  let [products, squares] = [0, 0];
  for (const { seconds, bytes } of samples) {
    products += (seconds - t) * (bytes - b);
    squares += (seconds - t) ** 2;
  }
  return products / squares;
}
