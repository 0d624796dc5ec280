const leastMs = 400;
const mostMs = 5000;

/**
 * Milliseconds to wait after a look at a run that took `lookMs`. A look costs processor time here, in Temporal and in the
 * worker that is asked; looking at most a twentieth of the time leaves the processors to the run, also where it shares them
 * and looks are slow.
 */
export function pauseAfter(lookMs: number): number {
  return Math.min(mostMs, Math.max(leastMs, 19 * lookMs));
}
