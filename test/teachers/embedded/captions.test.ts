import { describe, expect, it } from 'vitest';
import { CaptionRecord, captionVideo } from '../../../teachers/embedded/captions.js';
import { measureFrames } from '../../../teachers/embedded/measure.js';
import type { TeacherInput } from '../../../teachers/embedded/pixels.js';
import { blue, drawnFrames, red, type Box, type Rgb } from './drawn-frames.js';

const square = (x: number, y: number, colour: Rgb = red, size = 10): Box => ({
  x,
  y,
  width: size,
  height: size,
  colour,
});
const caption = (input: TeacherInput): CaptionRecord => {
  const record = captionVideo('s', input);
  expect(CaptionRecord.parse(record)).toEqual(record);
  expect(record.frames.map((f) => f.frame)).toEqual([...input.indices]);
  for (const { text } of record.frames) expect(text).toMatch(/^[^A-Z<>]+ \.$/);
  return record;
};

describe('moving things', () => {
  it('says that a red square moves to the right, where it is, and how fast', () => {
    // 4 pixels of 84 in a quarter of a second: .19 widths a second.
    const { frames } = caption(drawnFrames(16, (i) => [square(4 + 4 * i, 40)]));
    for (const { state, things } of frames.slice(1)) {
      expect(state).toBe('moving');
      expect(things).toHaveLength(1);
      expect(things[0]).toMatchObject({ colour: 'red', direction: 'right' });
      expect(things[0]!.speed).toBeCloseTo(0.19, 1);
    }
    expect(frames[1]!.text).toBe(
      'a fixed camera shows a bright scene , grey above and grey below . one thing can be seen . a medium compact red thing on the left in the lower part moves right steadily .',
    );
    expect(frames[8]!.text).toContain('in the centre in the lower part');
    expect(frames[15]!.text).toContain('on the right in the lower part');
  });

  it.each([
    ['left', (i: number) => square(70 - 4 * i, 20)],
    ['up', (i: number) => square(40, 44 - 2.5 * i)],
    ['down', (i: number) => square(40, 2.5 * i)],
  ] as const)('tells %s', (direction, at) => {
    const { frames } = caption(drawnFrames(16, (i) => [at(i)]));
    const said = frames.slice(1).map(({ things }) => things[0]?.direction);
    expect(said.filter((d) => d === direction).length).toBeGreaterThanOrEqual(14);
  });

  it('tells pace, size and shape', () => {
    const slow = caption(drawnFrames(16, (i) => [square(10 + 2 * i, 20, red, 6)])).frames[8]!.text;
    expect(slow).toContain('a small compact red thing');
    expect(slow).toContain('moves right slowly');
    const fast = caption(drawnFrames(8, (i) => [{ ...square(10 * i, 20, blue), width: 12, height: 30 }]))
      .frames[4]!.text;
    expect(fast).toContain('a large tall blue thing');
    expect(fast).toContain('moves right fast');
    expect(
      caption(drawnFrames(8, (i) => [{ ...square(8 * i, 20, blue), width: 24, height: 8 }])).frames[4]!.text,
    ).toContain('wide');
  });

  it('follows two things that pass each other by their colour', () => {
    const { frames } = caption(
      drawnFrames(16, (i) => [square(2 + 4.5 * i, 12, red), square(72 - 4.5 * i, 34, blue)]),
    );
    for (const { things } of frames.slice(1)) {
      expect(things).toHaveLength(2);
      for (const thing of things) expect(thing.direction).toBe(thing.colour === 'red' ? 'right' : 'left');
    }
    expect(frames[3]!.text).toContain('two things can be seen');
  });

  it('counts many as several and lists four at most', () => {
    const { frames } = caption(
      drawnFrames(16, (i) =>
        [0, 1, 2, 3, 4].map((k) => square(2 + 16 * k + (k % 2 === 0 ? 3 : 0), (i * 3 + 9 * k) % 46, blue, 7)),
      ),
    );
    expect(frames[5]!.things.length).toBeGreaterThanOrEqual(4);
    expect(frames[5]!.text).toContain('several things can be seen');
    expect(frames[5]!.text.match(/ thing (on|in)/g)!.length).toBe(4);
  });

  it('tells what appears from what stays', () => {
    const { frames } = caption(drawnFrames(16, (i) => (i >= 10 ? [square(60, 20)] : [])));
    expect(frames.slice(0, 10).map((f) => f.state)).toEqual(Array.from({ length: 10 }, () => 'quiet'));
    expect(frames[10]!.text).toContain('appears');
    expect(frames[10]!.state).toBe('moving');
    expect(frames[11]!.text).toContain('stays');
    expect(frames[11]!.state).toBe('quiet');
  });

  it('sees nothing in noise', () => {
    for (const { state, things } of caption(drawnFrames(16, () => [])).frames) {
      expect([state, things.length]).toEqual(['quiet', 0]);
    }
  });
});

describe('light', () => {
  it('tells a flicker, and still sees what moves in it', () => {
    const jumps = new Set([5, 6, 9]);
    const { frames } = caption(
      drawnFrames(16, (i) => [square(4 + 4 * i, 40)], { gain: (i) => (jumps.has(i) ? 0.6 : 1) }),
    );
    expect(frames.flatMap(({ state }, i) => (state === 'flicker' ? [i] : []))).toEqual([5, 6, 9]);
    expect(frames[5]!.text).toContain('the light jumps');
    expect(frames[6]!.things[0]).toMatchObject({ direction: 'right' });
  });

  it('does not take a slow dusk for a flicker', () => {
    const { frames } = caption(drawnFrames(16, () => [], { gain: (i) => 1.3 - 0.04 * i }));
    expect(frames.every(({ state }) => state === 'quiet')).toBe(true);
  });

  it('tells a flash', () => {
    const { frames } = caption(
      drawnFrames(16, (i) => (i === 7 ? [square(30, 15, [255, 250, 240], 24)] : [])),
    );
    expect(frames[7]!.state).toBe('flash');
    expect(frames[7]!.text).toContain('glaring');
  });

  it('names the light of the scene', () => {
    const light = (value: number): string =>
      measureFrames(drawnFrames(4, () => [], { background: [value, value, value] })).scene.light;
    expect([light(150), light(75), light(30)]).toEqual(['bright', 'dim', 'dark']);
  });
});

describe('scene', () => {
  it('names the colours above and below', () => {
    const { scene } = caption(
      drawnFrames(6, () => [], { background: (_, y) => (y < 20 ? [60, 90, 200] : [50, 130, 60]) }),
    );
    expect(scene).toEqual({ light: 'bright', above: 'blue', below: 'green', camera: 'fixed' });
  });

  it('tells a camera that moves, and then lists no things', () => {
    const stripes = (x: number, y: number, i: number): Rgb =>
      (Math.floor((x + 7 * i) / 9) + Math.floor((y + 5 * i) / 11)) % 2 === 0 ? [40, 40, 40] : [210, 210, 210];
    const { scene, frames } = caption(drawnFrames(12, () => [], { background: stripes }));
    expect(scene.camera).toBe('moving');
    expect(frames[5]!.state).toBe('changing');
    expect(frames[5]!.text).not.toContain('thing');
  });
});

describe('any input', () => {
  it('is measured: one frame, black, tall, wide and large pictures', () => {
    expect(caption(drawnFrames(1, () => [])).frames).toHaveLength(1);
    expect(caption(drawnFrames(3, () => [], { background: [0, 0, 0] })).scene.light).toBe('dark');
    const large = caption(
      drawnFrames(6, (i) => [{ x: 20 + 30 * i, y: 100, width: 40, height: 40, colour: red }], {
        width: 301,
        height: 203,
      }),
    );
    expect(large.frames[3]!.things[0]).toMatchObject({ colour: 'red', direction: 'right' });
    expect(caption(drawnFrames(3, () => [], { width: 224, height: 2 })).frames).toHaveLength(3);
    expect(caption(drawnFrames(3, () => [], { width: 2, height: 120 })).frames).toHaveLength(3);
  });

  it('gives the same captions for the same pixels, whatever the sample is called', () => {
    const input = drawnFrames(8, (i) => [square(4 * i, 30)]);
    const first = captionVideo('Abnormal/Fire-001', input);
    const second = captionVideo('Normal/walk', { ...input, pixels: input.pixels.slice() });
    expect({ ...first, sampleId: '' }).toEqual({ ...second, sampleId: '' });
    // There is no way for a label in: pixels and times are all that the teacher is given.
    expect(Object.keys(input).sort()).toEqual(['fps', 'frameCount', 'height', 'indices', 'pixels', 'width']);
  });

  it('takes a few milliseconds for a small clip', () => {
    const input = drawnFrames(16, (i) => [square(4 * i, 30), square(70 - 4 * i, 10, blue)]);
    const times = Array.from({ length: 12 }, () => {
      const start = performance.now();
      captionVideo('s', input);
      return performance.now() - start;
    });
    // 6 ms measured on an idle core; the bound leaves room for a busy one.
    expect(Math.min(...times)).toBeLessThan(30);
  });
});
