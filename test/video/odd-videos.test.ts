import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/package-root.js';
import { extractFrames } from '../../video/frames.js';
import { measureVideo } from '../../video/measure.js';
import type { RejectReason } from '../../video/reject.js';
import { poolIndices, teacherIndices, uniformIndices } from '../../video/sampling.js';

const folder = join(packageRoot, '../shared/data/videos');
const present = existsSync(folder);

/** Usable: display size, frames, seconds. */
interface Usable {
  readonly size: string;
  readonly frames: number;
  readonly seconds: number;
}
interface Rejected {
  readonly reason: RejectReason;
  readonly message: RegExp;
}

const usable = (size: string, frames: number, seconds: number): Usable => ({ size, frames, seconds });
const rejected = (reason: RejectReason, message: RegExp): Rejected => ({ reason, message });

/** What each awkward file is worth. Frame counts are those of a full decode. */
const odd: Readonly<Record<string, Usable | Rejected>> = {
  'der_animated.gif': usable('240x180', 48, 6),
  'der_audio_only_aac.mp4': rejected('no-video-stream', /only: audio/),
  'der_av1.webm': usable('768x576', 80, 8),
  'der_black.mp4': usable('640x360', 150, 6),
  'der_cover_art_first.mp4': usable('768x576', 60, 6),
  'der_fragmented.mp4': usable('768x432', 75, 6),
  'der_git_lfs_pointer.mp4': rejected('not-a-video', /git lfs pull/),
  'der_hevc10.mov': usable('768x576', 150, 15),
  'der_html_error_page.mp4': rejected('not-a-video', /HTML page/),
  'der_mjpeg_gray.avi': usable('320x240', 100, 10),
  'der_odd_dims_351x287.webm': usable('351x287', 200, 20),
  'der_raw_annexb.h264': usable('768x576', 60, 6),
  'der_rot90_meta.mp4': usable('432x768', 125, 10),
  'der_single_frame.mp4': rejected('too-short', /single frame/),
  'der_start_time_100.mp4': usable('768x432', 100, 8),
  'der_truncated_faststart.mp4': rejected('truncated', /promises 377 frames, only 151 can be decoded/),
  'der_truncated_no_moov.mp4': rejected('truncated', /moov/),
  'der_ts_discontinuity_resize.ts': usable('640x360', 120, 12),
  'der_vfr.mkv': usable('768x432', 139, 29.76),
  'der_zero_bytes.mp4': rejected('empty-file', /zero bytes/),
  "real te[s]t_ video ' _ .flv": usable('320x240', 10, 1.83),
  'real_audio_only_ac3.mp4': rejected('no-video-stream', /only: audio/),
  'real_avi_named_mp4.mp4': usable('224x224', 125, 5),
  'real_buggy_index.avi': usable('720x528', 270, 9),
  'real_cinepak.avi': usable('320x240', 68, 29.6),
  'real_cursed_vfr_3026x1386.mp4': usable('3026x1386', 63, 8.73),
  'real_h264_in_avi_434x326.avi': usable('434x326', 86, 3.46),
  'real_hevc_counter.mp4': usable('1920x1080', 300, 10),
  'real_no_duration.mkv': usable('1920x1080', 745, 35.21),
  'real_rotated_metadata.mp4': usable('1080x1920', 45, 1.96),
  'real_sar_2x1.mp4': usable('1280x360', 150, 5),
  'real_truncated_100kB.mp4': rejected('truncated', /promises 745 frames, only 6 can be decoded/),
  'real_vp9_square.webm': usable('1080x1080', 100, 3.33),
  'real_walk_sign.mkv': usable('640x480', 89, 2.97),
  'real_zero_bytes.avi': rejected('empty-file', /zero bytes/),
  'v=AbC-d_123__#00-00-05_00-00-10_label_B1-B2-0.mp4': usable('768x576', 50, 5),
  "监控 视频 (1) 'a' & $b.mp4": rejected('too-short', /single frame/),
};

describe.skipIf(!present)(
  'the collection of awkward videos (skipped without ../shared/data)',
  { timeout: 120_000 },
  () => {
    it('is judged to the last file', async () => {
      expect((await readdir(join(folder, 'odd'))).sort()).toEqual(Object.keys(odd).sort());
    });

    it.each(Object.entries(odd))('%s', async (name, expected) => {
      const path = join(folder, 'odd', name);
      if ('reason' in expected) {
        await expect(measureVideo(path)).rejects.toMatchObject({
          reason: expected.reason,
          message: expect.stringMatching(expected.message) as string,
        });
        return;
      }
      const video = await measureVideo(path);
      expect(`${video.width}x${video.height}`).toBe(expected.size);
      expect(video.frames).toBe(expected.frames);
      expect(video.durationSeconds).toBeCloseTo(expected.seconds, 1);
      expect(video.fps).toBeCloseTo(video.frames / video.durationSeconds, 0);
      const pack = await extractFrames(path, video, {
        policy: { maxPixels: 16 * 28 * 28 },
        teacherWidth: 64,
        choose: (n) => ({ policy: uniformIndices(n, 16), pool: poolIndices(n, 64), teacher: [0] }),
      });
      expect(pack.frameCount).toBe(expected.frames);
      expect(pack.fps).toBe(video.fps);
      expect(pack.pixels).toHaveLength(pack.frames.length * pack.width * pack.height * 3);
    });
  },
);

/** White marks on the dark box: columns are split where no pixel is white, each mark is scaled to the same grid. */
function readMarks(
  pixels: Uint8Array,
  width: number,
  box: readonly [number, number, number, number],
): Uint8Array[] {
  const [left, top, right, bottom] = box;
  const white = (x: number, y: number): boolean => {
    const p = (y * width + x) * 3;
    return Math.min(pixels[p]!, pixels[p + 1]!, pixels[p + 2]!) > 200;
  };
  const inked = Array.from({ length: right - left }, (_, i) =>
    Array.from({ length: bottom - top }, (_, j) => white(left + i, top + j)).some(Boolean),
  );
  const marks: Uint8Array[] = [];
  for (let i = 0; i < inked.length; i++) {
    if (!inked[i]) continue;
    let end = i;
    while (inked[end]) end++;
    const grid = new Uint8Array(12 * 16);
    for (let gy = 0; gy < 16; gy++) {
      for (let gx = 0; gx < 12; gx++) {
        const x = left + i + Math.floor(((gx + 0.5) / 12) * (end - i));
        const y = top + Math.floor(((gy + 0.5) / 16) * (bottom - top));
        grid[gy * 12 + gx] = white(x, y) ? 1 : 0;
      }
    }
    marks.push(grid);
    i = end;
  }
  return marks;
}

describe.skipIf(!present)(
  'a film with its frame number in the picture (skipped without ../shared/data)',
  () => {
    it('shows the numbers that the sampled frames claim', async () => {
      const path = join(folder, 'odd', 'real_hevc_counter.mp4');
      const chosen = [...uniformIndices(300, 16), ...teacherIndices(300, { every: 16, most: 128 })];
      const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
      const pack = await extractFrames(path, await measureVideo(path), {
        policy: { width: 84, height: 56 },
        teacherWidth: 640,
        choose: () => ({ policy: [0], pool: null, teacher: [...digits, ...chosen] }),
      });
      const { teacher } = pack;
      expect([teacher!.width, teacher!.height]).toEqual([640, 360]);
      const marksOf = (k: number): Uint8Array[] =>
        readMarks(teacher!.pixels.subarray(k * 691_200, (k + 1) * 691_200), 640, [62, 96, 420, 196]);

      // The first ten frames give the shapes of the ten digits; all others must then read as their index.
      const shapes = digits.map((digit) => {
        expect(marksOf(digit)).toHaveLength(1);
        return marksOf(digit)[0]!;
      });
      const distance = (a: Uint8Array, b: Uint8Array): number =>
        a.reduce((sum, v, p) => sum + Math.abs(v - b[p]!), 0);
      const read = (k: number): number =>
        Number(
          marksOf(k)
            .map((mark) => {
              const distances = shapes.map((shape) => distance(mark, shape));
              return distances.indexOf(Math.min(...distances));
            })
            .join(''),
        );
      expect(teacher!.indices.length).toBeGreaterThan(35);
      expect(teacher!.indices.map((_, k) => read(k))).toEqual([...teacher!.indices]);
    });
  },
);
