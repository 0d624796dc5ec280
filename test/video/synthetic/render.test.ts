import { describe, expect, it } from 'vitest';
import {
  anomalyFrames,
  anomalyKinds,
  hardNormals,
  sceneProgramme,
  type AnomalyKind,
  type HardNormal,
  type SceneProgramme,
} from '../../../video/synthetic/programme.js';
import { renderScene } from '../../../video/synthetic/render.js';
import { CLIP_FRAMES, VIDEO_HEIGHT, VIDEO_WIDTH } from '../../../video/synthetic/world.js';

const FRAME = VIDEO_WIDTH * VIDEO_HEIGHT * 3;

function find(is: (p: SceneProgramme) => boolean): SceneProgramme {
  for (let index = 0; ; index++) {
    const programme = sceneProgramme(3, 'test', index);
    if (is(programme)) return programme;
  }
}
/** A day on which nothing else happens, so that what changes is the anomaly. */
const quiet = (kind: AnomalyKind): SceneProgramme =>
  find((p) => p.anomaly?.kind === kind && p.hardNormal === null && p.light === 'day');
const harmless = (kind: HardNormal): SceneProgramme =>
  find(
    (p) => p.anomaly === null && p.hardNormal?.kind === kind && p.light === 'day' && p.setting !== 'car park',
  );

/** Per frame: how many pixels differ clearly (noise does not) between two renderings. */
function differences(a: Uint8Array, b: Uint8Array, clearly = 45): number[] {
  return Array.from({ length: CLIP_FRAMES }, (_, frame) => {
    let count = 0;
    for (let p = frame * FRAME; p < (frame + 1) * FRAME; p += 3) {
      const most = Math.max(...[0, 1, 2].map((c) => Math.abs(a[p + c]! - b[p + c]!)));
      if (most > clearly) count++;
    }
    return count;
  });
}
function brightness(video: Uint8Array, frame: number): number {
  let sum = 0;
  for (let p = frame * FRAME; p < (frame + 1) * FRAME; p++) sum += video[p]!;
  return sum / FRAME;
}

describe('renderScene', () => {
  it('gives 32 RGB frames of 168 x 112, the same each time', () => {
    const programme = sceneProgramme(3, 'test', 0);
    const video = renderScene(programme);
    expect(video).toHaveLength(32 * 112 * 168 * 3);
    expect(Buffer.compare(video, renderScene(programme))).toBe(0);
    expect(Buffer.compare(video, renderScene(sceneProgramme(3, 'test', 1)))).not.toBe(0);
  });

  it.each(['Fire', 'Explosion', 'Wrong-Way Driving', 'Falling Objects', 'Obstacles on Road'] as const)(
    'shows %s in the annotated frames and nowhere else',
    (kind) => {
      const programme = quiet(kind);
      const [start, end] = anomalyFrames(programme)!;
      const changed = differences(renderScene(programme), renderScene({ ...programme, anomaly: null }));
      const seen = changed.flatMap((count, frame) => (count > 60 ? [frame] : []));
      // What enters from outside, or grows from nothing, may take a frame to be seen.
      expect(seen[0]).toBeGreaterThanOrEqual(start);
      expect(seen[0]).toBeLessThanOrEqual(start + 3);
      expect(seen.at(-1)).toBeLessThan(end);
      expect(seen.at(-1)).toBeGreaterThanOrEqual(end - 3);
      changed.forEach((count, frame) => {
        if (frame < start || frame >= end) expect(count).toBe(0);
      });
    },
  );

  it.each(['Falling', 'Fighting', 'Traffic Accidents'] as const)(
    'shows who takes part in %s before, during and after it',
    (kind) => {
      const programme = quiet(kind);
      const [start, end] = anomalyFrames(programme)!;
      const changed = differences(renderScene(programme), renderScene({ ...programme, anomaly: null }));
      for (const frame of [start - 1, start, Math.floor((start + end) / 2), end - 1, end]) {
        expect(changed[frame]).toBeGreaterThan(60);
      }
    },
  );

  it('shows the anomaly in its third of the picture', () => {
    for (const third of [0, 1, 2] as const) {
      const programme = { ...quiet('Obstacles on Road'), third };
      const frame = anomalyFrames(programme)![0];
      const [a, b] = [renderScene(programme), renderScene({ ...programme, anomaly: null })];
      const columns: number[] = [];
      for (let p = frame * FRAME; p < (frame + 1) * FRAME; p += 3) {
        if (Math.abs(a[p]! - b[p]!) > 45) columns.push(((p - frame * FRAME) / 3) % VIDEO_WIDTH);
      }
      const mean = columns.reduce((sum, x) => sum + x, 0) / columns.length / VIDEO_WIDTH;
      expect(Math.abs(mean - (third + 0.5) / 3)).toBeLessThan(0.16);
    }
  });

  it.each(hardNormals.filter((kind) => kind !== 'flicker'))('shows the harmless %s', (kind) => {
    const programme = harmless(kind);
    const without = renderScene({ ...programme, hardNormal: null });
    const changed = differences(renderScene(programme), without, kind === 'dark patch' ? 25 : 45);
    expect(Math.max(...changed)).toBeGreaterThan(40);
  });

  it('flickers during its time only', () => {
    const programme = harmless('flicker');
    const video = renderScene(programme);
    const { start, length } = programme.hardNormal!;
    const usual = brightness(video, 0);
    const jumps = Array.from(
      { length: CLIP_FRAMES },
      (_, frame) => Math.abs(brightness(video, frame) / usual - 1) > 0.2,
    );
    expect(jumps.some(Boolean)).toBe(true);
    jumps.forEach((jump, frame) => {
      if (jump) {
        expect((frame + 0.5) / CLIP_FRAMES).toBeGreaterThanOrEqual(start);
        expect((frame + 0.5) / CLIP_FRAMES).toBeLessThanOrEqual(start + length);
      }
    });
  });

  it('is darker and bluer at night', () => {
    const day = sceneProgramme(3, 'test', 4);
    const mean = (light: 'day' | 'night', channel: number): number => {
      const video = renderScene({ ...day, light, hardNormal: null, anomaly: null });
      let sum = 0;
      for (let p = channel; p < FRAME; p += 3) sum += video[p]!;
      return sum / (FRAME / 3);
    };
    expect(mean('night', 0)).toBeLessThan(0.85 * mean('day', 0));
    expect(mean('night', 2) / mean('night', 0)).toBeGreaterThan(1.15 * (mean('day', 2) / mean('day', 0)));
  });

  it('has sensor noise in every still corner', () => {
    const video = renderScene({ ...quiet('Fire'), pedestrians: [], cars: [], anomaly: null });
    let squares = 0;
    for (let p = 0; p < 400; p++) squares += (video[p]! - video[FRAME + p]!) ** 2;
    expect(Math.sqrt(squares / 400 / 2)).toBeGreaterThan(2.5);
    expect(Math.sqrt(squares / 400 / 2)).toBeLessThan(6);
  });

  it('knows a drawing for every kind', () => {
    for (const kind of anomalyKinds) {
      const programme = quiet(kind);
      expect(() => renderScene(programme)).not.toThrow();
    }
  });
});
