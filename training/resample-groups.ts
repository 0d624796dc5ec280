import type { Sample } from '../datasets/sample.js';
import type { DataOrder } from './data-order.js';
import { rollOut, type Group, type RolloutTools } from './rollout.js';

/** A generation after its flat groups were replaced. */
export interface Resampled {
  /** As many as there were; those that are still flat stay. */
  readonly groups: readonly Group[];
  /** Groups whose place was taken, in the order they were drawn. */
  readonly replaced: readonly Group[];
}

/**
 * Replaces groups whose rewards have no spread by groups of other samples: dynamic sampling of DAPO (arXiv 2503.14476, section
 * 3.2), with a bound. Every round draws one group per flat one, of samples that this generation has not tried. What is
 * drawn follows from generation and round alone.
 * @param order of `samples`, for this purpose alone
 * @param stopRequested asked before every round; the caller drops what it then gets
 */
export async function resampleFlatGroups(
  tools: RolloutTools,
  drawn: { readonly groups: readonly Group[]; readonly generation: number },
  from: { readonly samples: readonly Sample[]; readonly order: DataOrder },
  stopRequested: () => boolean,
): Promise<Resampled> {
  const { generation } = drawn;
  const { resampleFlat: rounds, promptsPerStep } = tools.params;
  const groups = [...drawn.groups];
  const replaced: Group[] = [];
  const tried = new Set(groups.map(({ sample }) => sample.id));
  for (let round = 0; round < rounds && !stopRequested(); round++) {
    const flat = groups.flatMap((group, place) => (group.flat ? [place] : []));
    const start = (generation * rounds + round) * promptsPerStep;
    const samples: Sample[] = [];
    for (let i = 0; i < promptsPerStep && samples.length < flat.length; i++) {
      const sample = from.samples[from.order.at(start + i)]!;
      if (tried.has(sample.id)) continue;
      tried.add(sample.id);
      samples.push(sample);
    }
    if (samples.length === 0) continue;
    const fresh = await rollOut(tools, samples, generation);
    for (const [i, group] of fresh.entries()) {
      const place = flat[i]!;
      replaced.push(groups[place]!);
      groups[place] = group;
    }
  }
  return { groups, replaced };
}
