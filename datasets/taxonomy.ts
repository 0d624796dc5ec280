import { distance } from 'fastest-levenshtein';

/**
 * The taxonomy of Vad-Reasoning (Vad-R1, arXiv 2505.19877): 3 types, 10 groups, 37 leaves. The chart abbreviates the
 * animal leaves ("in Urban Areas" under "Animal"); ours carry their whole name.
 */
export const taxonomy = {
  'Human Activity': {
    Crime: ['Stealing', 'Robbery', 'Arson', 'Vandalism', 'Shooting'],
    'Health & Security': ['Falling', 'Hurt', 'Drown'],
    Violence: ['Fighting', 'Riot', 'Abuse'],
    '(Un)usual Crowd': ['Parade', 'Tread'],
  },
  Environment: {
    Traffic: [
      'Wrong-Way Driving',
      'Red Light Violation',
      'Illegal Lane Changing',
      'Illegal Parking',
      'Traffic Accidents',
      'Pedestrian Jaywalking',
    ],
    'Natural Disaster': ['Sandstorm', 'Tornado', 'Avalanche & Landslide', 'Flooding & Tsunami'],
    'Building & Facility': ['Electrical Failures', 'Explosion', 'Building Collapse'],
    Pollution: ['Fire', 'Air Pollution', 'Water Pollution'],
  },
  Objects: {
    Animal: ['Animals in Urban Areas', 'Animals Obstructing Traffic', 'Animals Hurting Human'],
    'Misplaced & Unusual Object': [
      'Falling Objects',
      'Dangerous Items',
      'Obstructing Tactile Paving',
      'Obstacles on Railway',
      'Obstacles on Road',
    ],
  },
} as const satisfies Record<string, Record<string, readonly string[]>>;

type Groups<T> = T extends unknown ? T[keyof T] : never;
type Leaves = Groups<(typeof taxonomy)[keyof typeof taxonomy]>;
/** One of the 37 leaves. */
export type Category = Leaves extends readonly (infer Leaf)[] ? Leaf : never;

/** A leaf with what is above it. */
export interface TaxonomyEntry {
  readonly type: string;
  readonly group: string;
  readonly category: Category;
}

/** All leaves in the order of the chart. */
export const taxonomyEntries: readonly TaxonomyEntry[] = Object.entries(taxonomy).flatMap(([type, groups]) =>
  Object.entries(groups as Record<string, readonly Category[]>).flatMap(([group, leaves]) =>
    leaves.map((category) => ({ type, group, category })),
  ),
);

/** The 37 leaves in the order of the chart. */
export const categories: readonly Category[] = taxonomyEntries.map((entry) => entry.category);

/**
 * Other spellings. First those of the released Vad-Reasoning files and of the chart itself (typos included), then
 * classes of the source datasets that mean exactly one leaf. A class that could be several (Assault, Water_incident,
 * Arrest) is left out on purpose.
 */
const aliases: Readonly<Record<string, Category>> = {
  'Red Lgiht Violation': 'Red Light Violation',
  'Running Red Light': 'Red Light Violation',
  'Avalanche and \u200bLandslide': 'Avalanche & Landslide',
  'Flooding or Tsunami': 'Flooding & Tsunami',
  'Animal Hurts Human': 'Animals Hurting Human',
  'Animals Hurt Human': 'Animals Hurting Human',
  'Animals Hurting People': 'Animals Hurting Human',
  'Animal Hurting Human': 'Animals Hurting Human',
  'Animal in Urban Areas': 'Animals in Urban Areas',
  'Animal Obstructing Traffic': 'Animals Obstructing Traffic',
  Drowning: 'Drown',
  Drowing: 'Drown',
  Roit: 'Riot',
  'Obstacle on Road': 'Obstacles on Road',
  'Obstacle on Railway': 'Obstacles on Railway',
  'Wrong Way Driving': 'Wrong-Way Driving',
  'Traffic Accident': 'Traffic Accidents',
  // UCF-Crime
  Burglary: 'Stealing',
  Shoplifting: 'Stealing',
  Theft: 'Stealing',
  'Road Accidents': 'Traffic Accidents',
  RoadAccidents: 'Traffic Accidents',
  // XD-Violence, MSAD, TAD
  'Car Accident': 'Traffic Accidents',
  Object_falling: 'Falling Objects',
  'Falling Object': 'Falling Objects',
  People_falling: 'Falling',
  Accident: 'Traffic Accidents',
  IllegalTurn: 'Illegal Lane Changing',
  IllegalOccupation: 'Illegal Parking',
  Retrograde: 'Wrong-Way Driving',
  PedestrianOnRoad: 'Pedestrian Jaywalking',
  Jaywalking: 'Pedestrian Jaywalking',
  RoadSpills: 'Obstacles on Road',
};

/** What two spellings must share to be the same name: no case, no punctuation, no invisible characters. */
function normalise(raw: string): string {
  return raw
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

const byName = new Map<string, Category>(
  [...Object.entries(aliases), ...categories.map((category) => [category, category] as const)].map(
    ([name, category]) => [normalise(name), category],
  ),
);

/** The leaf a raw category string means, or null: unknown, ambiguous, or Normal (which is a label and no category). */
export function canonicalCategory(raw: string): Category | null {
  return byName.get(normalise(raw)) ?? null;
}

/** The leaf with the most similar name, for an error message; null when nothing is near (over 40% of it differs). */
export function nearestCategory(raw: string): Category | null {
  const name = normalise(raw);
  let best: { category: Category; distance: number } | null = null;
  for (const [known, category] of byName) {
    const d = distance(name, known) / Math.max(name.length, known.length);
    if (best === null || d < best.distance) best = { category, distance: d };
  }
  return best !== null && best.distance <= 0.4 ? best.category : null;
}

/** Type and group of a leaf. */
export function taxonomyEntry(category: Category): TaxonomyEntry {
  return taxonomyEntries.find((entry) => entry.category === category)!;
}
