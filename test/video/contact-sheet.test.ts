import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contactSheet } from '../../video/contact-sheet.js';
import type { FramePack } from '../../video/frame-pack.js';

/** Five frames of 10 x 6, frame k all of grey 50 k, and two teacher frames of 4 x 4. */
const pack: FramePack = {
  width: 10,
  height: 6,
  frameCount: 5,
  fps: 8,
  frames: [0, 1, 2, 3, 4].map((index) => ({ index })),
  pixels: Uint8Array.from({ length: 5 * 180 }, (_, p) => 50 * Math.floor(p / 180)),
  teacher: { width: 4, height: 4, indices: [0, 3], pixels: new Uint8Array(2 * 48).fill(200) },
};

async function read(
  sheet: Uint8Array,
): Promise<{ width: number; height: number; grey: (x: number, y: number) => number }> {
  const { data, info } = await sharp(sheet).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { ...info, grey: (x, y) => data[(y * info.width + x) * info.channels]! };
}

describe('contactSheet', () => {
  it('lays the frames out in rows', async () => {
    const { width, height, grey } = await read(await contactSheet(pack, { columns: 3 }));
    expect([width, height]).toEqual([34, 14]);
    expect([grey(5, 3), grey(17, 3), grey(29, 3), grey(5, 11), grey(17, 11)]).toEqual([0, 50, 100, 150, 200]);
    expect([grey(11, 3), grey(29, 11)]).toEqual([0, 0]);
  });

  it('is one row when there are fewer frames than columns', async () => {
    expect(await read(await contactSheet(pack, { columns: 9 }))).toMatchObject({ width: 58, height: 6 });
  });

  it('shows the teacher frames when asked for', async () => {
    expect(await read(await contactSheet(pack, { columns: 4, teacher: true }))).toMatchObject({
      width: 10,
      height: 4,
    });
  });

  it('gives equal bytes for equal packs', async () => {
    const [one, two] = await Promise.all([
      contactSheet(pack, { columns: 3 }),
      contactSheet(pack, { columns: 3 }),
    ]);
    expect(Buffer.compare(one, two)).toBe(0);
  });
});
