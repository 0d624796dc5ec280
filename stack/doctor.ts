import type { Check } from './checks/check.js';
import { checkMachine } from './checks/machine.js';
import { checkPayloads } from './checks/payloads.js';
import { checkPrograms } from './checks/programs.js';
import { checkServices } from './checks/services.js';
import { homePaths, type Home } from './home.js';

export type { Check } from './checks/check.js';

/** Checks all that a run needs, each by using it, and says how to mend what is not well. Starts and changes nothing. */
export async function diagnose(home: Home = homePaths()): Promise<Check[]> {
  return [
    ...(await checkPrograms()),
    ...(await checkMachine(home)),
    checkPayloads(home),
    ...(await checkServices(home)),
  ];
}
