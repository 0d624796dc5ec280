import { TerminalError } from '../../core/errors.js';

/** How far participants may be apart before they do not compute the same thing. */
export const TOLERANCE = 1e-3;

/** What the numbers are, and what a difference is measured by: the number itself, or the largest of all. */
export interface Compared {
  readonly what: string;
  readonly relativeTo: 'itself' | 'largest';
}

/**
 * How far two participants' numbers are apart, at most. TerminalError `bench.disagreement` beyond {@link TOLERANCE}, for then a comparison of times means nothing.
 */
export function agreement(
  { what, relativeTo }: Compared,
  ours: { readonly name: string; readonly numbers: readonly number[] },
  theirs: { readonly name: string; readonly numbers: readonly number[] },
): number {
  if (ours.numbers.length !== theirs.numbers.length || ours.numbers.length === 0) {
    const counts = `${ours.numbers.length} of ${ours.name}, ${theirs.numbers.length} of ${theirs.name}`;
    throw new TerminalError('bench.disagreement', `different numbers of ${what}: ${counts}`);
  }
  const largest = Math.max(...theirs.numbers.map(Math.abs));
  const apart = ours.numbers.map((own, i) => {
    const other = theirs.numbers[i]!;
    return Math.abs(own - other) / (relativeTo === 'itself' ? Math.abs(other) : largest);
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
