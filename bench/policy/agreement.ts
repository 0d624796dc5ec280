import { TerminalError } from '../../core/errors.js';
import type { Work } from './work.js';

/** How far participants may be apart before they do not compute the same thing. */
export const TOLERANCE = 1e-3;

/**
 * How far two participants' numbers are apart: losses each relative to itself, logits relative to the largest one.
 * TerminalError `bench.disagreement` beyond {@link TOLERANCE}, for then a comparison of times means nothing.
 */
export function agreement(
  kind: Work['kind'],
  ours: { readonly name: string; readonly numbers: readonly number[] },
  theirs: { readonly name: string; readonly numbers: readonly number[] },
): number {
  const what = kind === 'sft' ? 'losses' : 'logits';
  if (ours.numbers.length !== theirs.numbers.length || ours.numbers.length === 0) {
    const counts = `${ours.numbers.length} of ${ours.name}, ${theirs.numbers.length} of ${theirs.name}`;
    throw new TerminalError('bench.disagreement', `different numbers of ${what}: ${counts}`);
  }
  const largest = Math.max(...theirs.numbers.map(Math.abs));
  let worst = 0;
  let at = 0;
  ours.numbers.forEach((own, i) => {
    const other = theirs.numbers[i]!;
    const apart = Math.abs(own - other) / (kind === 'sft' ? Math.abs(other) : largest);
    // NaN must not pass as close.
    if (!(apart <= worst)) [worst, at] = [apart, i];
  });
  if (!(worst <= TOLERANCE)) {
    const values = `${ours.name} ${ours.numbers[at]}, ${theirs.name} ${theirs.numbers[at]}`;
    const message = `${what} are ${worst.toExponential(1)} apart (number ${at + 1}: ${values}); ${TOLERANCE} is allowed`;
    throw new TerminalError('bench.disagreement', message, {
      fix: 'compare with `npm run test:only -- test/policy/parity.test.ts`; times of different work are not printed',
    });
  }
  return worst;
}
