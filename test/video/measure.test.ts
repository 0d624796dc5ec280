import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { passEveryFrame } from '../../video/frame-rate-mode.js';
import { countFrames, measureVideo } from '../../video/measure.js';
import { probeVideo } from '../../video/probe.js';
import { counterVideo, ffmpeg, videoFolder } from './make-video.js';

describe('measureVideo', { timeout: 120_000 }, async () => {
  const folder = await videoFolder();
  const file = (name: string): string => join(folder, name);
  let plain: string;
  beforeAll(async () => {
    plain = await counterVideo(file('plain.mp4'), { frames: 40 });
  });
  const remux = async (name: string, ...options: string[]): Promise<string> => {
    await ffmpeg(['-i', plain, '-c', 'copy', ...options, file(name)]);
    return file(name);
  };

  it('believes a header that agrees with its packets', async () => {
    expect(await measureVideo(plain)).toMatchObject({ frames: 40, fps: 10, durationSeconds: 4 });
  });

  it('counts where nothing is promised, and keeps the rate that was said', async () => {
    const names = [
      await remux('p.mkv'),
      await remux('p.ts'),
      await remux('p.h264', '-bsf:v', 'h264_mp4toannexb'),
      await remux('p.flv'),
      await remux('frag.mp4', '-movflags', 'frag_keyframe+empty_moov'),
    ];
    for (const name of names) {
      const measured = await measureVideo(name);
      expect({ name, frames: measured.frames }).toEqual({ name, frames: 40 });
      expect(measured.fps).toBeCloseTo(10, 1);
      expect(measured.durationSeconds).toBeCloseTo(4, 0);
    }
  });

  it('gives the average rate of a variable one', async () => {
    await counterVideo(file('vfr.mkv'), {
      frames: 100,
      options: [
        '-vf',
        "select='lt(n,20)+not(mod(n,8))'",
        ...(await passEveryFrame()),
        '-c:v',
        'libx264',
        '-pix_fmt',
        'yuv420p',
      ],
    });
    const { frames, fps, durationSeconds } = await measureVideo(file('vfr.mkv'));
    expect(frames).toBe(30);
    expect(durationSeconds).toBeCloseTo(9.7, 0);
    expect(fps).toBeCloseTo(frames / durationSeconds, 5);
  });

  it('does not take an index that counts empty ticks for a loss', async () => {
    // An AVI clocked at 20 fps with a picture in every fourth tick only; the muxer writes empty chunks between.
    await counterVideo(file('ticks.avi'), {
      frames: 80,
      fps: 20,
      options: ['-vf', "select='not(mod(n,4))'", ...(await passEveryFrame()), '-r', '20', '-c:v', 'mjpeg'],
    });
    expect(await probeVideo(file('ticks.avi'))).toMatchObject({ frames: 77, packets: 20 });
    const measured = await measureVideo(file('ticks.avi'));
    expect(measured.frames).toBe(20);
    expect(measured.durationSeconds).toBeCloseTo(4, 0);
    expect(measured.fps).toBeCloseTo(5, 0);
  });

  it('rejects a file whose second half is missing', async () => {
    const whole = await counterVideo(file('big.mp4'), {
      frames: 200,
      width: 320,
      height: 192,
      options: ['-c:v', 'mpeg4', '-q:v', '2', '-g', '5', '-movflags', '+faststart'],
    });
    const bytes = await readFile(whole);
    await writeFile(file('half.mp4'), bytes.subarray(0, bytes.length / 2));
    await expect(measureVideo(file('half.mp4'))).rejects.toMatchObject({
      reason: 'truncated',
      message: expect.stringMatching(
        /^the header promises 200 frames, only \d{2,3} can be decoded: the file is cut off$/,
      ) as string,
    });

    await ffmpeg(['-i', whole, '-c', 'copy', file('big.mkv')]);
    const mkv = await readFile(file('big.mkv'));
    await writeFile(file('half.mkv'), mkv.subarray(0, mkv.length / 2));
    await expect(measureVideo(file('half.mkv'))).rejects.toMatchObject({ reason: 'truncated' });
  });

  it('rejects a video of fewer frames than asked for', async () => {
    const still = await counterVideo(file('still.mp4'), { frames: 1 });
    await expect(measureVideo(still)).rejects.toMatchObject({
      reason: 'too-short',
      message: 'the video has a single frame, at least 2 are needed',
    });
    await expect(measureVideo(plain, { minFrames: 41 })).rejects.toThrow(/only 40 frames, at least 41/);
    expect((await measureVideo(plain, { minFrames: 40 })).frames).toBe(40);
  });

  it('rejects a video that no frame can be decoded of', async () => {
    // Every byte of every packet becomes nonsense; sizes and time stamps stay.
    await ffmpeg(['-i', plain, '-c', 'copy', '-bsf:v', 'noise=amount=1', file('noise2.mkv')]);
    await expect(measureVideo(file('noise2.mkv'))).rejects.toMatchObject({ reason: 'undecodable' });
  });
});

describe('countFrames', async () => {
  const folder = await videoFolder();
  it('counts frames and finds the end of the last one', async () => {
    const path = await counterVideo(join(folder, 'c.mp4'), { frames: 25, fps: 5 });
    expect(await countFrames(path)).toEqual({ frames: 25, seconds: 5, errors: false });
  });

  it('gives up in time', async () => {
    const path = join(folder, 'long.mp4');
    await ffmpeg([
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=1280x720:rate=25:duration=12',
      '-preset',
      'ultrafast',
      path,
    ]);
    await expect(countFrames(path, { timeoutMs: 80 })).rejects.toMatchObject({ reason: 'timeout' });
  });
});
