import { deriveKey, uniformAt } from '../core/random.js';

/**
 * A share of the items, at least one, in their order. Which ones follows from seed and id alone, and a smaller share is
 * part of every larger one, so that runs on a half and on a quarter of the data can be compared.
 */
export function dataShare<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  share: number,
  seed: number,
): readonly T[] {
  if (share >= 1 || items.length === 0) return items;
  const count = Math.max(1, Math.round(share * items.length));
  const ranked = items
    .map((item, place) => ({
      place,
      id: idOf(item),
      rank: uniformAt(deriveKey(seed, 'data-share', idOf(item)), 0),
    }))
    .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1) || a.place - b.place);
  const kept = new Set(ranked.slice(0, count).map(({ place }) => place));
  return items.filter((_, place) => kept.has(place));
}
