import { describe, expect, it } from 'vitest';
import { Random } from '../../core/random.js';
import { TerminalError } from '../../core/errors.js';
import { decodeFramePack, encodeFramePack, packFrames, type FramePack } from '../../video/frame-pack.js';

const random = Random.from(1, 'frame-pack-test');
const noise = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => random.integer(256));

const pack: FramePack = {
  width: 6,
  height: 4,
  frameCount: 50,
  fps: 12.5,
  frames: [{ index: 0 }, { index: 7 }, { index: 49 }],
  pixels: noise(3 * 6 * 4 * 3),
  teacher: { width: 4, height: 2, indices: [0, 16], pixels: noise(2 * 4 * 2 * 3) },
};
const plain: FramePack = { ...pack, teacher: null };

describe('encodeFramePack', () => {
  it.each([
    ['with teacher frames', pack],
    ['without teacher frames', plain],
  ])('comes back unchanged %s', (_, original) => {
    const decoded = decodeFramePack(encodeFramePack(original));
    expect({ ...decoded, pixels: [...decoded.pixels] }).toMatchObject({
      ...original,
      pixels: [...original.pixels],
      teacher: original.teacher === null ? null : { indices: [0, 16], width: 4, height: 2 },
    });
    if (original.teacher !== null) {
      expect([...decoded.teacher!.pixels]).toEqual([...original.teacher.pixels]);
    }
  });

  it('gives equal bytes for equal packs', () => {
    expect(encodeFramePack(pack)).toEqual(encodeFramePack({ ...pack, pixels: new Uint8Array(pack.pixels) }));
  });

  it('compresses flat pixels', () => {
    const flat = { ...plain, width: 84, height: 56, pixels: new Uint8Array(3 * 84 * 56 * 3).fill(90) };
    expect(encodeFramePack(flat).length).toBeLessThan(1500);
  });

  it('reads a pack inside a larger buffer', () => {
    const bytes = encodeFramePack(plain);
    const padded = new Uint8Array(bytes.length + 11);
    padded.set(bytes, 11);
    expect(decodeFramePack(padded.subarray(11)).frames).toEqual(plain.frames);
  });

  it('refuses pixels that do not fit the sizes', () => {
    expect(() => encodeFramePack({ ...plain, pixels: plain.pixels.subarray(1) })).toThrow(
      /take 216 bytes, not 215/,
    );
    expect(() => encodeFramePack({ ...pack, teacher: { ...pack.teacher!, indices: [0] } })).toThrow(
      TerminalError,
    );
  });
});

describe('decodeFramePack', () => {
  const bytes = encodeFramePack(pack);
  it.each([
    ['nothing', new Uint8Array(0)],
    ['other bytes', noise(400)],
    ['a pack cut short', bytes.subarray(0, bytes.length - 30)],
    ['a header cut short', bytes.subarray(0, 40)],
  ])('refuses %s', (_, broken) => {
    expect(() => decodeFramePack(broken)).toThrow(
      expect.objectContaining({ code: 'video.not-a-frame-pack' }),
    );
  });
});

describe('packFrames', () => {
  it('gives frames by their index in the video, in the order asked for, repeats included', () => {
    const frame = 6 * 4 * 3;
    const pixels = packFrames(pack, [49, 0, 0, 7]);
    const place = (k: number): number[] => [...pack.pixels.subarray(k * frame, (k + 1) * frame)];
    expect([...pixels]).toEqual([...place(2), ...place(0), ...place(0), ...place(1)]);
  });

  it('gives nothing for no indices', () => {
    expect(packFrames(pack, [])).toHaveLength(0);
  });

  it('names the frame that is missing', () => {
    expect(() => packFrames(pack, [0, 8])).toThrow(/frame 8 is not among the 3 frames .* 50/);
    expect(() => packFrames(pack, [8])).toThrow(expect.objectContaining({ code: 'video.frame-not-in-pack' }));
  });
});
