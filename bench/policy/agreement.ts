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
  const apart = ours.numbers.map((own, i) => {
    const other = theirs.numbers[i]!;
    return Math.abs(own - other) / (kind === 'sft' ? Math.abs(other) : largest);
  });
  // Written so that what is not a number is never close.
  const far = apart.findIndex((distance) => !(distance <= TOLERANCE));
  if (far !== -1) {
    const values = `${ours.name} ${ours.numbers[far]}, ${theirs.name} ${theirs.numbers[far]}`;
    const message = `${what} are ${apart[far]!.toExponential(1)} apart (number ${far + 1}: ${values}); ${TOLERANCE} is allowed`;
    throw new TerminalError('bench.disagreement', message, {
      fix: 'compare with `npm run test:only -- test/policy/parity.test.ts`; times of different work are not printed',
    });
  }
  return Math.max(...apart);
}
