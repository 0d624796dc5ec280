import { splits, type DatasetConfig, type Split } from '../config/dataset.js';
import { Random } from '../core/random.js';
import type { Warning } from './annotation.js';
import type { ResolvedSample } from './resolve.js';
import type { Reject, Sample } from './sample.js';

export interface SplitResult {
  /** Sorted by id. */
  readonly samples: readonly Sample[];
  readonly rejects: readonly Reject[];
  readonly warnings: readonly Warning[];
}

/** Samples of one film, camera or source video: they go together. */
interface Group {
  readonly name: string;
  readonly members: readonly ResolvedSample[];
  readonly kind: 'abnormal' | 'normal' | 'weak';
}

/**
 * Gives every sample one split: seeded, disjoint, the same for any order of the input.
 *
 * - An annotated split is kept. If a group is annotated on two sides (training, val, test), test wins over val and val
 *   over training, since a benchmark must stay whole: the members of the losing side become rejects.
 * - Members without annotation follow their group.
 * - All other groups are dealt out by shares, larger groups first, each to the split that is furthest behind in samples of
 *   its kind and in all dealt so far; so labels stay balanced in every split.
 * - A group with an Abnormal video whose spans are unknown never goes to `sft` or `reflect`: reasoning texts need a span.
 * - No split that has a share stays empty as long as there is a group to give: after dealing, `sft`, `test`, `rl`,
 *   `reflect`, `val` in this order take one from the split that has most to spare. With fewer groups than splits the last
 *   of these stay empty, with a warning.
 */
export function assignSplits(
  resolved: readonly ResolvedSample[],
  options: { readonly shares: DatasetConfig['shares']; readonly seed: number },
): SplitResult {
  const rejects: Reject[] = [];
  const warnings: Warning[] = [];
  const assigned = new Map<ResolvedSample, Split>();
  const free: Group[] = [];

  for (const group of groupsOf(resolved)) {
    const annotated = group.members.flatMap((member) => (member.split === null ? [] : [member.split]));
    if (annotated.length === 0) {
      free.push(group);
      continue;
    }
    const side = sides.find((s) => annotated.some((split) => sideOf(split) === s))!;
    const home = splits.find((split) => sideOf(split) === side && annotated.includes(split))!;
    for (const member of group.members) {
      const split = member.split ?? home;
      if (sideOf(split) === side) assigned.set(member, split);
      else rejects.push(onTwoSides(member, group, split, side));
    }
  }

  const seeded = deal(free, options.shares, options.seed);
  fillEmpty(seeded, new Set(assigned.values()), options.shares);
  for (const [group, split] of seeded) for (const member of group.members) assigned.set(member, split);

  const samples = [...assigned]
    .map(([{ sample }, split]): Sample => ({ ...sample, split }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const split of splits) {
    if (options.shares[split] > 0 && !samples.some((sample) => sample.split === split)) {
      warnings.push({
        from: 'splits',
        code: 'empty-split',
        message: `no video is left for the split ${split}`,
      });
    }
  }
  return { samples, rejects, warnings };
}

/** Sides between which nothing may leak, the one that wins a contradiction first. */
const sides = ['test', 'val', 'training'] as const;
type Side = (typeof sides)[number];
const sideOf = (split: Split): Side => (split === 'test' || split === 'val' ? split : 'training');

/** Which empty split is served first. */
const servedFirst: readonly Split[] = ['sft', 'test', 'rl', 'reflect', 'val'];

const writesReasoning = (split: Split): boolean => split === 'sft' || split === 'reflect';

function onTwoSides(member: ResolvedSample, group: Group, split: Split, side: Side): Reject {
  const other = group.members.find((m) => m.split !== null && sideOf(m.split) === side)!;
  return {
    id: member.sample.id,
    from: member.from,
    reason: 'group-on-two-sides',
    message: `annotated as ${split}, but ${other.sample.id} of the same group "${group.name}" is in ${other.split}`,
  };
}

function groupsOf(resolved: readonly ResolvedSample[]): Group[] {
  const byName = new Map<string, ResolvedSample[]>();
  for (const one of [...resolved].sort((a, b) => (a.sample.id < b.sample.id ? -1 : 1))) {
    const members = byName.get(one.sample.group);
    if (members === undefined) byName.set(one.sample.group, [one]);
    else members.push(one);
  }
  return [...byName]
    .map(([name, members]): Group => {
      const abnormal = members.filter(({ sample }) => sample.label === 'Abnormal');
      const weak = abnormal.some(({ sample }) => sample.target === null);
      return { name, members, kind: weak ? 'weak' : abnormal.length > 0 ? 'abnormal' : 'normal' };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Deals groups out by shares; see {@link assignSplits}. */
function deal(groups: readonly Group[], shares: DatasetConfig['shares'], seed: number): Map<Group, Split> {
  const shuffled = Random.from(seed, 'splits')
    .shuffle(groups)
    .sort((a, b) => b.members.length - a.members.length);
  // Of this kind and the kinds before it.
  let total = 0;
  const dealt = new Map<Group, Split>();
  const have: Record<Split, number> = { sft: 0, reflect: 0, rl: 0, val: 0, test: 0 };
  for (const kind of ['weak', 'abnormal', 'normal'] as const) {
    const ofKind = shuffled.filter((group) => group.kind === kind);
    const totalOfKind = countSamples(ofKind);
    total += totalOfKind;
    const haveOfKind: Record<Split, number> = { sft: 0, reflect: 0, rl: 0, val: 0, test: 0 };
    const allowed = splits.filter(
      (split) => shares[split] > 0 && !(kind === 'weak' && writesReasoning(split)),
    );
    // A run without rl, val and test share has no place for weak labels but rl.
    const open = allowed.length > 0 ? allowed : (['rl'] as const);
    const openShare = open.reduce((sum, split) => sum + shares[split], 0);
    for (const group of ofKind) {
      const behind = (split: Split): number =>
        (openShare === 0 ? 1 : shares[split] / openShare) * totalOfKind -
        haveOfKind[split] +
        shares[split] * total -
        have[split];
      const split = open.reduce((best, candidate) => (behind(candidate) > behind(best) ? candidate : best));
      dealt.set(group, split);
      haveOfKind[split] += group.members.length;
      have[split] += group.members.length;
    }
  }
  return dealt;
}

/** Moves single groups into splits that got none; see {@link assignSplits}. */
function fillEmpty(
  dealt: Map<Group, Split>,
  annotated: ReadonlySet<Split>,
  shares: DatasetConfig['shares'],
): void {
  const inSplit = (split: Split): Group[] =>
    [...dealt].filter(([, s]) => s === split).map(([group]) => group);
  for (const [rank, empty] of servedFirst.entries()) {
    if (shares[empty] === 0 || annotated.has(empty) || inSplit(empty).length > 0) continue;
    // A later split may give its only group, an earlier one keeps one.
    const donors = splits
      .map((split) => {
        const keeps = annotated.has(split) || servedFirst.indexOf(split) > rank ? 0 : 1;
        const groups = inSplit(split).filter((g) => !(g.kind === 'weak' && writesReasoning(empty)));
        return { groups, spare: inSplit(split).length - keeps };
      })
      .filter(({ groups, spare }) => groups.length > 0 && spare > 0);
    const donor = donors.reduce<(typeof donors)[number] | null>(
      (best, one) => (best === null || one.spare > best.spare ? one : best),
      null,
    );
    if (donor !== null) dealt.set(donor.groups.at(-1)!, empty);
  }
}

const countSamples = (groups: readonly Group[]): number =>
  groups.reduce((sum, group) => sum + group.members.length, 0);
