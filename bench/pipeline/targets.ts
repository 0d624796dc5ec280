import type { Spread } from '../side-by-side/statistics.js';
import { atMost, type Reached } from '../side-by-side/verdict.js';

/** What is timed, with the most seconds it may take. */
const limits = { list: 1, show: 1, plan: 10, run: 10, resume: 10 } as const;
export type Measured = keyof typeof limits;

/** Whether one target is reached. */
export interface Verdict extends Reached {
  readonly target: string;
}

/** By the medians: a person who looks does not wait, and what is there already costs seconds. */
export function judgeReuse(seconds: Readonly<Record<Measured, Spread>>): Verdict[] {
  return Object.entries(limits).map(([name, limit]) => ({
    target: `${name} <= ${limit} s`,
    ...atMost(seconds[name as Measured].median, limit),
  }));
}
