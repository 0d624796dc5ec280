import type { ActivityInterface } from '../../activities/index.js';

export type Call = (argument: unknown) => Promise<unknown>;

/** Activities of the same names, each made of the one that was there. */
export function eachActivity(
  activities: ActivityInterface,
  make: (name: string, call: Call) => Call,
): ActivityInterface {
  const made = Object.entries(activities).map(([name, call]) => [name, make(name, call as Call)] as const);
  return Object.fromEntries(made) as unknown as ActivityInterface;
}
