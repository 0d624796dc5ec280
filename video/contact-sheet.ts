import sharp from 'sharp';
import type { FramePack } from './frame-pack.js';

const GAP = 2;

/**
 * All frames of a pack in rows of `columns`, as a PNG without time or text in it: equal packs give equal bytes. Frames
 * are at the policy's size, or at the teacher's where there are teacher frames and `teacher` is asked for.
 */
export async function contactSheet(
  pack: FramePack,
  { columns, teacher = false }: { readonly columns: number; readonly teacher?: boolean },
): Promise<Uint8Array> {
  const source =
    teacher && pack.teacher !== null
      ? { ...pack.teacher, count: pack.teacher.indices.length }
      : { width: pack.width, height: pack.height, pixels: pack.pixels, count: pack.frames.length };
  const { width, height, pixels, count } = source;
  const across = Math.min(columns, count);
  const frameBytes = width * height * 3;
  const tiles = Array.from({ length: count }, (_, k) => ({
    input: Buffer.from(pixels.subarray(k * frameBytes, (k + 1) * frameBytes)),
    raw: { width, height, channels: 3 as const },
    left: (k % across) * (width + GAP),
    top: Math.floor(k / across) * (height + GAP),
  }));
  return sharp({
    create: {
      width: across * (width + GAP) - GAP,
      height: Math.ceil(count / across) * (height + GAP) - GAP,
      channels: 3,
      background: '#000',
    },
  })
    .composite(tiles)
    .png({ compressionLevel: 9 })
    .toBuffer();
}
