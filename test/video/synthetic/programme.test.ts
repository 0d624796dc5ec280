import { describe, expect, it } from 'vitest';
import {
  anomalyFrames,
  anomalyKinds,
  hardNormals,
  sceneProgramme,
  type SceneProgramme,
} from '../../../video/synthetic/programme.js';

const many = Array.from({ length: 1600 }, (_, index) => sceneProgramme(7, 'sft', index));
const abnormal = many.filter((p) => p.anomaly !== null);
const normal = many.filter((p) => p.anomaly === null);
const share = (list: readonly SceneProgramme[], is: (p: SceneProgramme) => boolean): number =>
  list.filter(is).length / list.length;

describe('sceneProgramme', () => {
  it('is the same for the same seed, split and index, and another for others', () => {
    expect(sceneProgramme(7, 'sft', 31)).toEqual(many[31]);
    for (const other of [
      sceneProgramme(8, 'sft', 31),
      sceneProgramme(7, 'test', 31),
      sceneProgramme(7, 'sft', 32),
    ]) {
      expect(other).not.toEqual(many[31]);
      expect(other.key).not.toEqual(many[31]!.key);
    }
  });

  it('has one normal and one abnormal clip in each pair, each kind once in each block of sixteen', () => {
    for (let pair = 0; pair < many.length; pair += 2) {
      expect([many[pair]!.anomaly, many[pair + 1]!.anomaly].filter((a) => a === null)).toHaveLength(1);
    }
    for (let block = 0; block < many.length; block += 16) {
      const kinds = many.slice(block, block + 16).flatMap((p) => p.anomaly?.kind ?? []);
      expect([...kinds].sort()).toEqual([...anomalyKinds].sort());
    }
  });

  it('does not betray the label by the order in a pair', () => {
    const first = many.filter((_, index) => index % 2 === 0);
    expect(share(first, (p) => p.anomaly !== null)).toBeGreaterThan(0.45);
    expect(share(first, (p) => p.anomaly !== null)).toBeLessThan(0.55);
  });

  it('begins and ends every anomaly inside the clip', () => {
    for (const programme of abnormal) {
      const { kind, start, end } = programme.anomaly!;
      expect(start).toBeGreaterThanOrEqual(0.04);
      expect(end).toBeLessThanOrEqual(0.96);
      const length = end - start;
      const [least, most] = kind === 'Explosion' ? [0.14, 0.3] : [0.25, 0.55];
      expect(length).toBeGreaterThanOrEqual(least - 1e-9);
      expect(length).toBeLessThanOrEqual(most + 1e-9);
      const [from, to] = anomalyFrames(programme)!;
      expect(from).toBeGreaterThanOrEqual(1);
      expect(to).toBeLessThanOrEqual(31);
      expect((to - from) / 32).toBeCloseTo(length, 1);
    }
    expect(anomalyFrames(normal[0]!)).toBeNull();
  });

  it('keeps cars and what happens to them on roads', () => {
    for (const { setting, anomaly, cars, hardNormal, pedestrians } of many) {
      if (setting === 'corridor') {
        expect(cars).toEqual([]);
        expect(['brake', 'dark patch']).not.toContain(hardNormal?.kind);
        expect(['Wrong-Way Driving', 'Traffic Accidents', 'Obstacles on Road']).not.toContain(anomaly?.kind);
        expect(pedestrians.length).toBeGreaterThan(0);
      }
      if (anomaly?.kind === 'Traffic Accidents') expect(cars).toEqual([]);
      if (anomaly?.kind === 'Wrong-Way Driving') expect(cars.length).toBeLessThan(2);
      expect(pedestrians.length + cars.length + (hardNormal === null ? 0 : 1)).toBeGreaterThan(0);
    }
  });

  it('shows settings and light as often in normal clips as in abnormal ones', () => {
    for (const is of [
      (p: SceneProgramme) => p.setting === 'corridor',
      (p: SceneProgramme) => p.setting === 'street',
      (p: SceneProgramme) => p.light === 'night',
    ]) {
      expect(Math.abs(share(normal, is) - share(abnormal, is))).toBeLessThan(0.07);
    }
    expect(share(many, (p) => p.light === 'night')).toBeCloseTo(0.35, 1);
    expect(share(many, (p) => p.setting === 'corridor')).toBeCloseTo(5 / 24, 1);
  });

  it('puts harmless events into 60% of normal and 30% of abnormal clips, all of them, ending inside the clip', () => {
    expect(share(normal, (p) => p.hardNormal !== null)).toBeCloseTo(0.6, 1);
    expect(share(abnormal, (p) => p.hardNormal !== null)).toBeCloseTo(0.3, 1);
    expect(new Set(many.flatMap((p) => p.hardNormal?.kind ?? []))).toEqual(new Set(hardNormals));
    for (const { hardNormal } of many) {
      if (hardNormal !== null) expect(hardNormal.start + hardNormal.length).toBeLessThan(1);
    }
  });
});
