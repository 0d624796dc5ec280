import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { extractFrames, type FrameChoice, type FrameRequest } from '../../video/frames.js';
import { passEveryFrame } from '../../video/frame-rate-mode.js';
import { encodeFramePack, packFrames } from '../../video/frame-pack.js';
import { measureVideo } from '../../video/measure.js';
import { poolIndices, teacherIndices, uniformIndices } from '../../video/sampling.js';
import { counterVideo, ffmpeg, readCounters, videoFolder } from './make-video.js';

const usual = (frameCount: number): FrameChoice => ({
  policy: uniformIndices(frameCount, 16),
  pool: poolIndices(frameCount, 64),
  teacher: teacherIndices(frameCount, { every: 16, most: 128 }),
});
const request: FrameRequest = { policy: { width: 84, height: 56 }, choose: usual, teacherWidth: 112 };

describe('extractFrames', { timeout: 120_000 }, async () => {
  const folder = await videoFolder();
  const file = (name: string): string => join(folder, name);
  let plain: string;
  beforeAll(async () => {
    plain = await counterVideo(file('plain.mp4'), { frames: 150 });
  });
  afterEach(() => vi.unstubAllEnvs());

  /** Extracts, and compares the numbers that the frames show with the frames that they claim to be. */
  async function provesItsFrames(path: string, asked: FrameRequest = request): Promise<void> {
    const video = await measureVideo(path);
    const pack = await extractFrames(path, video, asked);
    const choice = asked.choose(pack.frameCount);
    expect(readCounters(pack.pixels, pack.width, pack.height)).toEqual(pack.frames.map((f) => f.index));
    expect(readCounters(packFrames(pack, choice.policy), pack.width, pack.height)).toEqual(choice.policy);
    const { teacher } = pack;
    if (teacher !== null) {
      expect(readCounters(teacher.pixels, teacher.width, teacher.height)).toEqual(teacher.indices);
      expect(teacher.indices).toEqual(choice.teacher);
    }
  }

  it('gives the frames it claims: policy, pool and teacher', async () => {
    await provesItsFrames(plain);
    const pack = await extractFrames(plain, await measureVideo(plain), request);
    expect(pack).toMatchObject({ width: 84, height: 56, frameCount: 150, fps: 10 });
    expect(pack.frames.map((f) => f.index)).toEqual(
      [...new Set([...uniformIndices(150, 16), ...poolIndices(150, 64)])].sort((a, b) => a - b),
    );
    expect(pack.teacher).toMatchObject({
      width: 112,
      height: 67,
      indices: [0, 16, 32, 48, 64, 80, 96, 112, 128, 144],
    });
  });

  it.each([
    [
      'with B-frames and open GOPs',
      'b.mp4',
      ['-c:v', 'libx264', '-bf', '3', '-g', '40', '-x264-params', 'open-gop=1'],
    ],
    ['without time stamps', 'raw.h264', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p']],
    ['in a transport stream', 't.ts', ['-c:v', 'mpeg2video', '-q:v', '2']],
    ['in Matroska', 'm.mkv', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p']],
    ['in AVI', 'a.avi', ['-c:v', 'mjpeg', '-q:v', '2']],
    ['in WebM', 'w.webm', ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', '-cpu-used', '8']],
    ['at a variable rate', 'vfr.mkv', ['-vf', "setpts='if(lt(N,30),N,30+(N-30)*7)/(10*TB)'", '-c:v', 'ffv1']],
    ['with equal time stamps', 'same.mkv', ['-vf', "setpts='floor(N/2)*2/(10*TB)'", '-c:v', 'ffv1']],
    ['from time 100 on', 'late.mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-output_ts_offset', '100']],
    ['in ten bits', 'ten.mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p10le']],
  ])('gives the frames it claims %s', async (_, name, options) => {
    await counterVideo(file(name), { frames: 90, options: [...options] });
    await provesItsFrames(file(name));
  });

  it('goes on counting when the size of the picture changes', async () => {
    const options = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-f', 'mpegts'];
    await counterVideo(file('1.ts'), { frames: 40, options });
    await counterVideo(file('2.ts'), { frames: 40, first: 40, width: 100, height: 80, options });
    await writeFile(
      file('resized.ts'),
      Buffer.concat([await readFile(file('1.ts')), await readFile(file('2.ts'))]),
    );
    await provesItsFrames(file('resized.ts'));
  });

  it('chooses again when the header counts ticks without a picture', async () => {
    await counterVideo(file('ticks.avi'), {
      frames: 400,
      fps: 20,
      options: [
        '-vf',
        "select='not(mod(n,4))'",
        ...(await passEveryFrame()),
        '-r',
        '20',
        '-c:v',
        'mjpeg',
        '-q:v',
        '2',
      ],
    });
    const asked: number[] = [];
    const choose = (frameCount: number): FrameChoice => {
      asked.push(frameCount);
      return usual(frameCount);
    };
    // As a header alone would have it.
    const video = { width: 160, height: 96, fps: 20, frames: 397, durationSeconds: 19.85 };
    const pack = await extractFrames(file('ticks.avi'), video, { ...request, choose });
    expect(asked).toEqual([397, 100]);
    expect(pack.frameCount).toBe(100);
    expect(pack.fps).toBeCloseTo(5, 0);
    expect(readCounters(pack.pixels, 84, 56)).toEqual(pack.frames.map((f) => 4 * f.index));
  });

  it('turns the picture as players do', async () => {
    // Upright: red above green. Stored lying on its side, with the turn in the metadata.
    const upright = ['-f', 'lavfi', '-i', 'color=red:size=96x80:rate=10:duration=1'];
    await ffmpeg([
      ...[...upright, '-f', 'lavfi', '-i', 'color=lime:size=96x80:rate=10:duration=1'],
      ...['-filter_complex', 'vstack', '-c:v', 'libx264', '-pix_fmt', 'yuv444p', file('upright.mp4')],
    ]);
    for (const turn of ['90', '180', '270']) {
      const turned = file(`turned${turn}.mp4`);
      await ffmpeg(['-i', file('upright.mp4'), '-c', 'copy', '-metadata:s:v', `rotate=${turn}`, turned]);
      const video = await measureVideo(turned);
      expect([video.width, video.height]).toEqual(turn === '180' ? [96, 160] : [160, 96]);
      const choose = (): FrameChoice => ({ policy: [0], pool: null, teacher: null });
      const { pixels, width, height } = await extractFrames(turned, video, {
        ...request,
        policy: { width: video.width, height: video.height },
        choose,
      });
      const isRed = (x: number, y: number): boolean => {
        const p = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
        return pixels[p]! > 128 && pixels[p + 1]! < 128;
      };
      // The top goes where the turn takes it: clockwise by the angle that was probed.
      const top = { 0: [0.5, 0.1], 90: [0.9, 0.5], 180: [0.5, 0.9], 270: [0.1, 0.5] }[video.rotation];
      expect(isRed(top![0]!, top![1]!)).toBe(true);
      expect(isRed(1 - top![0]!, 1 - top![1]!)).toBe(false);
    }
  });

  it('fits the policy frames into a pixel budget, aspect kept', async () => {
    const video = await measureVideo(plain);
    const pack = await extractFrames(plain, video, { ...request, policy: { maxPixels: 28 * 28 * 6 } });
    expect([pack.width, pack.height]).toEqual([84, 28]);
    const larger = await extractFrames(plain, video, { ...request, policy: { maxPixels: 1e6 } });
    expect([larger.width, larger.height]).toEqual([168, 84]);
  });

  it('does not enlarge teacher frames, and leaves them out when not asked for', async () => {
    const video = await measureVideo(plain);
    const wide = await extractFrames(plain, video, { ...request, teacherWidth: 640 });
    expect(wide.teacher).toMatchObject({ width: 160, height: 96 });
    const none = await extractFrames(plain, video, {
      ...request,
      choose: (n) => ({ policy: uniformIndices(n, 4), pool: null, teacher: null }),
    });
    expect(none.teacher).toBeNull();
    expect(none.frames.map((f) => f.index)).toEqual([0, 50, 99, 149]);
  });

  it('repeats nothing in the pack of a short video, and gives 16 policy frames all the same', async () => {
    const short = await counterVideo(file('short.mp4'), { frames: 5 });
    const pack = await extractFrames(short, await measureVideo(short), request);
    expect(pack.frames.map((f) => f.index)).toEqual([0, 1, 2, 3, 4]);
    expect(readCounters(packFrames(pack, uniformIndices(5, 16)), 84, 56)).toEqual(uniformIndices(5, 16));
  });

  it('gives the same bytes each time', async () => {
    const video = await measureVideo(plain);
    const [one, two] = await Promise.all([
      extractFrames(plain, video, request),
      extractFrames(plain, video, request),
    ]);
    expect(Buffer.compare(encodeFramePack(one), encodeFramePack(two))).toBe(0);
  });

  describe('rejects', () => {
    it('a file that was cut after it was measured', async () => {
      const whole = await counterVideo(file('whole.mp4'), {
        frames: 150,
        options: ['-c:v', 'mpeg4', '-q:v', '2', '-g', '5', '-movflags', '+faststart'],
      });
      const video = await measureVideo(whole);
      const bytes = await readFile(whole);
      await writeFile(file('cut.mp4'), bytes.subarray(0, bytes.length * 0.6));
      await expect(extractFrames(file('cut.mp4'), video, request)).rejects.toMatchObject({
        reason: 'truncated',
        code: 'video.truncated',
        message: expect.stringMatching(/promises 150 frames, only \d+ can be decoded/) as string,
      });
    });

    it('a file that is broken in the middle, though its header and its packets look whole', async () => {
      await counterVideo(file('jpegs.avi'), { frames: 100, options: ['-c:v', 'mjpeg', '-q:v', '2'] });
      const bytes = await readFile(file('jpegs.avi'));
      let picture = 0;
      for (let at = bytes.indexOf('00dc'); at >= 0 && picture < 100; at = bytes.indexOf('00dc', at + 8)) {
        const length = bytes.readUInt32LE(at + 4);
        if (picture >= 30 && picture < 70) bytes.fill(0, at + 8, at + 8 + length);
        picture++;
      }
      await writeFile(file('broken.avi'), bytes);
      const video = await measureVideo(file('broken.avi'));
      expect(video.frames).toBe(100);
      await expect(extractFrames(file('broken.avi'), video, request)).rejects.toMatchObject({
        reason: 'damaged',
        message: expect.stringMatching(
          /promises 100 frames, only 60 can be decoded: the file is damaged/,
        ) as string,
      });
    });

    it('a file that is gone, and one that became something else', async () => {
      const video = await measureVideo(plain);
      await expect(extractFrames(file('nowhere.mp4'), video, request)).rejects.toMatchObject({
        reason: 'missing-file',
      });
      await writeFile(file('overwritten.mp4'), Buffer.alloc(9999, 'x'));
      await expect(extractFrames(file('overwritten.mp4'), video, request)).rejects.toMatchObject({
        reason: 'undecodable',
      });
    });

    it('what takes too long', async () => {
      const video = await measureVideo(plain);
      await expect(extractFrames(plain, video, request, { timeoutMs: 1 })).rejects.toMatchObject({
        reason: 'timeout',
      });
    });
  });

  it('leaves no temporary files behind, whatever happens', async () => {
    const ours = async (): Promise<string[]> =>
      (await readdir(tmpdir())).filter((name) => name.startsWith('hindsight-frames-'));
    const scratch = file('tmp');
    vi.stubEnv('TMPDIR', scratch);
    await mkdir(scratch);
    const video = await measureVideo(plain);
    await extractFrames(plain, video, request);
    await extractFrames(plain, video, request, { timeoutMs: 1 }).catch(() => null);
    await extractFrames(plain, video, request, { signal: AbortSignal.timeout(30) }).catch(() => null);
    expect(tmpdir()).toBe(scratch);
    expect(await ours()).toEqual([]);
  });

  it('ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const video = await measureVideo(plain);
    const extracting = extractFrames(plain, video, request, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('shutting down')), 40);
    await expect(extracting).rejects.toThrow('shutting down');
  });
});
