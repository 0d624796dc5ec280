import type { Spread } from '../side-by-side/statistics.js';
import { atMost, type Reached } from '../side-by-side/verdict.js';
import type { Course } from './flatness.js';

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

/** Memory is flat when its least-squares line grows by no more than this share of the median over the window. */
export const flatUpTo = 0.05;

/** Whether the memory of each process is flat; falling counts as no growth. */
export function judgeMemory(processes: Readonly<Record<string, Course>>): Verdict[] {
  return Object.entries(processes).map(([name, course]) => ({
    target: `${name}: growth over the window / median <= ${flatUpTo}`,
    ...atMost(Math.max(0, course.growth), flatUpTo),
  }));
}
