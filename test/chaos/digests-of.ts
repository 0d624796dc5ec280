import type { RunSnapshot } from '../../cli/run-api.js';

/** Stage -> output -> digest: what two runs must agree on. */
export function digestsOf(snapshot: RunSnapshot): Record<string, Readonly<Record<string, string>>> {
  return Object.fromEntries(snapshot.stages.map(({ name, outputs }) => [name, outputs]));
}
