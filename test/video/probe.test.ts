import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { probeVideo } from '../../video/probe.js';
import { VideoReject } from '../../video/reject.js';
import { counterVideo, ffmpeg, videoFolder } from './make-video.js';

const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];

describe('probeVideo', { timeout: 120_000 }, async () => {
  const folder = await videoFolder();
  const file = (name: string): string => join(folder, name);
  let plain: string;
  beforeAll(async () => {
    plain = await counterVideo(file('plain.mp4'), { frames: 30, fps: 12.5 });
  });
  afterEach(() => vi.unstubAllEnvs());

  it('reads an ordinary file', async () => {
    expect(await probeVideo(plain)).toEqual({
      container: 'mov,mp4,m4a,3gp,3g2,mj2',
      codec: 'h264',
      width: 160,
      height: 96,
      rotation: 0,
      fps: 12.5,
      frames: 30,
      packets: 30,
      durationSeconds: 2.4,
      startTime: 0,
    });
  });

  it('reads names with blanks, quotes, brackets, signs, other scripts, a leading dash or a colon', async () => {
    for (const name of [
      "te[s]t_ video ' _ .mp4",
      '监控 $b & (1).mp4',
      '-i.mp4',
      'http:x.mp4',
      'a%05d#=.mp4',
    ]) {
      await writeFile(file(name), await readFile(plain));
      expect((await probeVideo(file(name))).frames).toBe(30);
    }
  });

  it('does not care about the extension', async () => {
    const avi = await counterVideo(file('film.avi'), { frames: 5, options: ['-c:v', 'mjpeg'] });
    await writeFile(file('film.mp4'), await readFile(avi));
    expect(await probeVideo(file('film.mp4'))).toMatchObject({ container: 'avi', codec: 'mjpeg', frames: 5 });
  });

  it('gives the size as shown: turned, and with square pixels', async () => {
    await ffmpeg(['-i', plain, '-c', 'copy', '-metadata:s:v', 'rotate=90', file('turned.mp4')]);
    const turned = await probeVideo(file('turned.mp4'));
    expect(turned).toMatchObject({ width: 96, height: 160 });
    expect([90, 270]).toContain(turned.rotation);

    await counterVideo(file('wide.mp4'), { frames: 3, options: ['-vf', 'setsar=2/1', ...h264] });
    expect(await probeVideo(file('wide.mp4'))).toMatchObject({ width: 320, height: 96, rotation: 0 });
  });

  it('keeps odd sizes', async () => {
    await counterVideo(file('odd.webm'), { frames: 3, width: 51, height: 47, options: ['-c:v', 'libvpx'] });
    expect(await probeVideo(file('odd.webm'))).toMatchObject({ width: 51, height: 47 });
  });

  it('looks past a cover picture', async () => {
    await sharp({ create: { width: 300, height: 300, channels: 3, background: '#a00' } })
      .jpeg()
      .toFile(file('c.jpg'));
    await ffmpeg([
      ...['-i', file('c.jpg'), '-i', plain, '-map', '0', '-map', '1', '-c', 'copy'],
      ...['-disposition:v:0', 'attached_pic', file('cover.mp4')],
    ]);
    expect(await probeVideo(file('cover.mp4'))).toMatchObject({ codec: 'h264', width: 160, frames: 30 });
  });

  it('promises no frames where the container does not', async () => {
    await ffmpeg(['-i', plain, '-c', 'copy', file('p.mkv')]);
    const mkv = await probeVideo(file('p.mkv'));
    expect(mkv).toMatchObject({ frames: null, packets: 30, fps: 12.5 });
    expect(mkv.durationSeconds).toBeCloseTo(2.4, 2);

    await ffmpeg(['-i', plain, '-c', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', file('p.h264')]);
    expect(await probeVideo(file('p.h264'))).toMatchObject({ frames: null, durationSeconds: null });

    await ffmpeg(['-i', plain, '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov', file('frag.mp4')]);
    expect(await probeVideo(file('frag.mp4'))).toMatchObject({ frames: null, packets: 30 });
  });

  it('does not believe a length of days in a small file', async () => {
    const one = ['-c:v', 'libx264', '-preset', 'veryfast', '-muxdelay', '0', '-f', 'mpegts'];
    await counterVideo(file('1.ts'), { frames: 10, options: [...one, '-output_ts_offset', '90000'] });
    await counterVideo(file('2.ts'), { frames: 10, options: [...one, '-output_ts_offset', '10'] });
    await writeFile(
      file('jump.ts'),
      Buffer.concat([await readFile(file('1.ts')), await readFile(file('2.ts'))]),
    );
    const jump = await probeVideo(file('jump.ts'));
    expect(jump).toMatchObject({ frames: null, durationSeconds: null, packets: 20 });
  });

  it('takes the length of the stream, not of a file that begins late', async () => {
    await ffmpeg(['-i', plain, '-c', 'copy', '-copyts', '-output_ts_offset', '100', file('late.mp4')]);
    const late = await probeVideo(file('late.mp4'));
    expect(late.durationSeconds).toBeCloseTo(2.4, 2);
    expect(late.startTime).toBeGreaterThan(99);
  });

  describe('rejects', () => {
    const reasonOf = async (path: string): Promise<string> =>
      probeVideo(path).then(
        () => 'usable',
        (error: unknown) =>
          error instanceof VideoReject ? `${error.reason}: ${error.message}` : String(error),
      );

    it('sound without a picture', async () => {
      await ffmpeg(['-f', 'lavfi', '-i', 'sine=duration=1', '-c:a', 'aac', file('sound.mp4')]);
      expect(await reasonOf(file('sound.mp4'))).toBe('no-video-stream: the file holds no video, only: audio');
    });

    it('sound with a cover picture', async () => {
      await ffmpeg([
        ...['-f', 'lavfi', '-i', 'sine=duration=1', '-i', file('c.jpg'), '-map', '0', '-map', '1'],
        ...['-c:a', 'aac', '-c:v', 'copy', '-disposition:v', 'attached_pic', file('song.mp4')],
      ]);
      expect(await reasonOf(file('song.mp4'))).toMatch(
        /^no-video-stream: .*(audio, cover picture|cover picture, audio)$/,
      );
    });

    it('a picture under the name of a video', async () => {
      await writeFile(file('photo.mp4'), await readFile(file('c.jpg')));
      expect(await reasonOf(file('photo.mp4'))).toMatch(/^not-a-video: a single image/);
    });

    it('a playlist, without opening what it names', async () => {
      await writeFile(file('list.m3u8'), `#EXTM3U\n#EXTINF:2,\nfile://${plain}\n#EXT-X-ENDLIST\n`);
      expect(await reasonOf(file('list.m3u8'))).toBe('not-a-video: a playlist, not the video itself');
    });

    it('bytes of no known kind', async () => {
      await writeFile(
        file('dice.mp4'),
        Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251)),
      );
      expect(await reasonOf(file('dice.mp4'))).toBe('not-a-video: no known video format');
    });

    it('an MP4 that was cut before its index', async () => {
      const bytes = await readFile(plain);
      await writeFile(file('cut.mp4'), bytes.subarray(0, bytes.length * 0.6));
      expect(await reasonOf(file('cut.mp4'))).toMatch(/^truncated: .*moov/);
    });

    it('an MP4 that was cut right after its index', async () => {
      await ffmpeg(['-i', plain, '-c', 'copy', '-movflags', '+faststart', file('fast.mp4')]);
      const bytes = await readFile(file('fast.mp4'));
      await writeFile(file('head.mp4'), bytes.subarray(0, bytes.indexOf('mdat') + 4));
      expect(await reasonOf(file('head.mp4'))).toMatch(/^truncated: /);
    });

    it('what takes too long', async () => {
      await expect(probeVideo(plain, { timeoutMs: 1 })).rejects.toMatchObject({ reason: 'timeout' });
    });
  });

  it('ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const probing = probeVideo(plain, { signal: stop.signal });
    stop.abort(new Error('shutting down'));
    await expect(probing).rejects.toThrow('shutting down');
    await expect(probeVideo(plain, { signal: stop.signal })).rejects.toThrow('shutting down');
  });

  it('says how to get ffprobe when there is none', async () => {
    vi.stubEnv('HINDSIGHT_FFPROBE', file('no-ffprobe'));
    await expect(probeVideo(plain)).rejects.toMatchObject({
      code: 'video.no-ffprobe',
      fix: expect.stringContaining('npm run setup') as string,
    });
  });
});
