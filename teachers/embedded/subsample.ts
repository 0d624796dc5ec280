import { uniformAt, deriveKey } from '../../core/random.js';
import type { Reflection } from '../../datasets/target.js';

/** Right and wrong drafts before and after. */
export interface DraftCounts {
  readonly right: number;
  readonly wrong: number;
}

export interface Subsample {
  /** In the order of the input. */
  readonly kept: readonly Reflection[];
  readonly before: DraftCounts;
  readonly after: DraftCounts;
}

/**
 * Drops drafts of the too frequent kind, at random, until right ones are `rightShare` of all (SRPO: about .3). A kind that
 * is missing cannot be made: then the other is kept whole; the counts say so. Which drafts stay depends on seed and draft
 * only, not on the order of the input.
 *
 * @param untouched samples whose drafts all stay and are not counted: those that validate, as frequently right as the
 *   policy is
 */
export function subsampleDrafts(
  reflections: readonly Reflection[],
  rightShare: number,
  seed: number,
  untouched: ReadonlySet<string> = new Set(),
): Subsample {
  const counted = reflections.filter(({ sampleId }) => !untouched.has(sampleId));
  const right = counted.filter((r) => r.draftRight);
  const wrong = counted.filter((r) => !r.draftRight);
  let keepRight = right.length;
  let keepWrong = wrong.length;
  if (rightShare <= 0) keepRight = wrong.length > 0 ? 0 : right.length;
  else if (rightShare >= 1) keepWrong = right.length > 0 ? 0 : wrong.length;
  else if (right.length > 0 && wrong.length > 0) {
    const odds = rightShare / (1 - rightShare);
    if (right.length > wrong.length * odds) keepRight = Math.max(1, Math.round(wrong.length * odds));
    else keepWrong = Math.max(1, Math.round(right.length / odds));
  }
  const chosen = new Set([...draw(right, keepRight, seed), ...draw(wrong, keepWrong, seed)]);
  return {
    kept: reflections.filter((r) => chosen.has(r) || untouched.has(r.sampleId)),
    before: { right: right.length, wrong: wrong.length },
    after: { right: Math.min(keepRight, right.length), wrong: Math.min(keepWrong, wrong.length) },
  };
}

function draw(reflections: readonly Reflection[], count: number, seed: number): Reflection[] {
  return reflections
    .map((r) => ({
      r,
      name: `${r.sampleId} ${r.draft}`,
      rank: uniformAt(deriveKey(seed, 'draft-right-share', r.sampleId, r.draft), 0),
    }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ r }) => r);
}
