import type { Check } from '../../stack/checks/check.js';
import type { StackStatus } from '../../stack/status.js';
import { columns } from './columns.js';

/** One line a check, with its fix below it where there is one. */
export function checksText(checks: readonly Check[]): string {
  const mark = (check: Check): string => (check.ok === true ? 'ok' : check.ok === false ? 'FAIL' : 'warn');
  const lines = columns(checks.map((check) => [mark(check), check.name, check.found])).split('\n');
  return checks
    .map(({ fix }, index) => `${lines[index]!}\n${fix === undefined ? '' : `      fix: ${fix}\n`}`)
    .join('');
}

/** What runs in a home, as `up` prints it. */
export function stackText(status: StackStatus): string {
  const processes = columns(status.processes.map(({ name, status: state, log }) => [name, state, log]));
  const ui = status.ports === null ? '' : `Temporal's web UI: http://127.0.0.1:${status.ports.temporalUi}\n`;
  return `${status.home}  ${status.status}\n\n${processes}${ui}`;
}
