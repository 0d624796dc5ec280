import { splits } from '../config/dataset.js';
import type { ResolvedSample } from './resolve.js';
import type { Reject } from './sample.js';

/**
 * Leakage check: the same bytes (or the same id) may be a sample only once in a run, whatever file and name they came
 * under. The one in `test` stays, then `val`, then the other annotated splits, then the first in the list; the others
 * become rejects that name it.
 */
export function withoutDuplicates(resolved: readonly ResolvedSample[]): {
  readonly kept: readonly ResolvedSample[];
  readonly rejects: readonly Reject[];
} {
  const rank = ({ split }: ResolvedSample): number => (split === null ? splits.length : rankOf[split]);
  const byVideo = new Map<string, ResolvedSample>();
  const byId = new Map<string, ResolvedSample>();
  const rejects: Reject[] = [];
  // Array.prototype.sort is stable, so the list decides between equals.
  for (const one of [...resolved].sort((a, b) => rank(a) - rank(b))) {
    const { id, video, label } = one.sample;
    const twin = byVideo.get(video);
    const namesake = byId.get(id);
    if (twin !== undefined) {
      const contradiction =
        twin.sample.label === label ? '' : `, which says ${twin.sample.label}, not ${label}`;
      rejects.push({
        id,
        from: one.from,
        reason: 'duplicate-video',
        message: `the same bytes as ${twin.sample.id} (${twin.from})${contradiction}`,
      });
    } else if (namesake !== undefined) {
      rejects.push({
        id,
        from: one.from,
        reason: 'duplicate-id',
        message: `the id is already taken by ${namesake.from}`,
      });
    } else {
      byVideo.set(video, one);
      byId.set(id, one);
    }
  }
  return { kept: resolved.filter((one) => byVideo.get(one.sample.video) === one), rejects };
}

const rankOf = { test: 0, val: 1, sft: 2, reflect: 3, rl: 4 } as const;
