import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import {
  canonicalCategory,
  categories,
  nearestCategory,
  taxonomyEntries,
  taxonomyEntry,
} from '../../datasets/taxonomy.js';

describe('taxonomy', () => {
  it('has 3 types, 10 groups and 37 leaves', () => {
    expect(new Set(taxonomyEntries.map((entry) => entry.type)).size).toBe(3);
    expect(new Set(taxonomyEntries.map((entry) => entry.group)).size).toBe(10);
    expect(new Set(categories).size).toBe(37);
    expect(taxonomyEntry('Tread')).toEqual({
      type: 'Human Activity',
      group: '(Un)usual Crowd',
      category: 'Tread',
    });
  });

  it('knows every leaf by its own name, in any case and punctuation', () => {
    for (const category of categories) {
      for (const raw of [
        category,
        category.toUpperCase(),
        category.replaceAll(' ', '_'),
        category.replaceAll('&', 'and'),
        `  ${category}\u200b `,
      ]) {
        expect(canonicalCategory(raw), raw).toBe(category);
      }
    }
  });
});

describe('aliases', () => {
  it.each([
    ['Red Lgiht Violation', 'Red Light Violation'],
    ['Avalanche and \u200bLandslide', 'Avalanche & Landslide'],
    ['Avalanche and Landslide', 'Avalanche & Landslide'],
    ['Animal Hurts Human', 'Animals Hurting Human'],
    ['Animals Hurt Human', 'Animals Hurting Human'],
    ['Drown', 'Drown'],
    ['Drowning', 'Drown'],
    ['Falling objects', 'Falling Objects'],
    ['Flooding or Tsunami', 'Flooding & Tsunami'],
    ['Roit', 'Riot'],
    ['Burglary', 'Stealing'],
    ['Shoplifting', 'Stealing'],
    ['RoadAccidents', 'Traffic Accidents'],
    ['Traffic_accident', 'Traffic Accidents'],
    ['car accident', 'Traffic Accidents'],
    ['Object_falling', 'Falling Objects'],
    ['People_falling', 'Falling'],
  ])('%s is %s', (raw, category) => {
    expect(canonicalCategory(raw)).toBe(category);
  });

  it.each(['Normal', 'Abnormal', 'Assault', 'Water_incident', 'Arrest', '', '-1', 'label_B1', '火'])(
    '%s is none',
    (raw) => {
      expect(canonicalCategory(raw)).toBeNull();
    },
  );

  it('suggests the nearest name of a misspelt one, and none for a strange one', () => {
    expect(nearestCategory('Fightng')).toBe('Fighting');
    expect(nearestCategory('Trafic Acidents')).toBe('Traffic Accidents');
    expect(nearestCategory('quantum chromodynamics')).toBeNull();
    expect(nearestCategory('')).toBeNull();
  });
});

const released = join(packageRoot, '../shared/data/annotations/vad-reasoning/SFT-train.first400.jsonl');
describe.skipIf(!existsSync(released))('released Vad-Reasoning rows', () => {
  it('all clean to a leaf', () => {
    const raw = readFileSync(released, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { anomaly_type: string }).anomaly_type);
    expect(raw).toHaveLength(400);
    for (const name of new Set(raw)) expect(canonicalCategory(name), name).not.toBeNull();
  });
});
