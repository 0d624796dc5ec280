import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FfmpegCommand } from 'fluent-ffmpeg';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { RetryableError } from '../../core/errors.js';
import { passEveryFrame } from '../../video/frame-rate-mode.js';
import { ffmpegCommand, fileUrl, runFfmpeg } from '../../video/run-ffmpeg.js';
import { ffmpegPath, ffprobePath } from '../../video/tools.js';
import { counterVideo, videoFolder } from './make-video.js';

afterEach(() => vi.unstubAllEnvs());

describe('runFfmpeg', async () => {
  const folder = await videoFolder();
  beforeAll(() => counterVideo(join(folder, 'long.mp4'), { frames: 300 }));

  /** Decodes so many seconds of a video of 30, at the speed of a clock. */
  const slow = (seconds: number): FfmpegCommand =>
    ffmpegCommand()
      .input(fileUrl(join(folder, 'long.mp4')))
      .inputOptions('-nostdin', '-re', '-t', String(seconds))
      .output('-')
      .outputOptions('-f', 'null');

  it('runs to the end and keeps the last lines', async () => {
    const { outcome, stderr } = await runFfmpeg(slow(0.2));
    expect(outcome).toBe('ended');
    expect(stderr).toContain('frame=    2');
  });

  it('gives the message of a failure', async () => {
    const command = ffmpegCommand()
      .input(fileUrl(join(folder, 'none.mp4')))
      .output('-')
      .outputOptions('-f', 'null');
    const { outcome, stderr } = await runFfmpeg(command);
    expect(outcome).toBe('failed');
    expect(stderr).toContain('No such file or directory');
  });

  it('kills what runs too long', async () => {
    const begin = performance.now();
    expect((await runFfmpeg(slow(30), { timeoutMs: 200 })).outcome).toBe('timeout');
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  it('kills when the signal says so, before the start and after it', async () => {
    for (const after of [0, 5, 300]) {
      const stop = new AbortController();
      const running = runFfmpeg(slow(30), { signal: stop.signal });
      setTimeout(() => stop.abort(new Error(`stopped after ${after}`)), after);
      await expect(running).rejects.toThrow(`stopped after ${after}`);
    }
    await expect(runFfmpeg(slow(30), { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
      'too late',
    );
  });

  it('does not blame the video when somebody else kills ffmpeg', async () => {
    // SIGTERM once before ffmpeg catches it and once after.
    for (const [signal, after] of [
      ['SIGKILL', 100],
      ['SIGTERM', 1],
      ['SIGTERM', 600],
    ] as const) {
      const command = slow(30);
      command.on('start', () => setTimeout(() => command.kill(signal), after));
      await expect(runFfmpeg(command)).rejects.toBeInstanceOf(RetryableError);
    }
  });

  it('says how to get ffmpeg when there is none', async () => {
    vi.stubEnv('HINDSIGHT_FFMPEG', join(folder, 'no-ffmpeg'));
    await expect(runFfmpeg(slow(1))).rejects.toMatchObject({ code: 'video.no-ffmpeg', retryable: false });
  });
});

describe('tools', () => {
  it('come from the environment, else from PATH', () => {
    vi.stubEnv('HINDSIGHT_FFMPEG', '/opt/ffmpeg');
    vi.stubEnv('HINDSIGHT_FFPROBE', '/opt/ffprobe');
    expect([ffmpegPath(), ffprobePath()]).toEqual(['/opt/ffmpeg', '/opt/ffprobe']);
    vi.stubEnv('HINDSIGHT_FFMPEG', undefined);
    vi.stubEnv('HINDSIGHT_FFPROBE', undefined);
    expect([ffmpegPath(), ffprobePath()]).toEqual(['ffmpeg', 'ffprobe']);
  });
});

describe('passEveryFrame', async () => {
  const folder = await videoFolder();
  it.each([
    ['ffmpeg version 4.2.2-static https://example.org', '-vsync'],
    ['ffmpeg version 5.0.1 Copyright', '-vsync'],
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright', '-fps_mode'],
    ['ffmpeg version n7.1 Copyright', '-fps_mode'],
    ['ffmpeg version N-117000-g0123abc Copyright', '-fps_mode'],
  ])('knows the option of "%s"', async (version, option) => {
    const script = join(folder, `ffmpeg ${version.replaceAll('/', '')}`);
    await writeFile(script, `#!/bin/sh\necho '${version}'\n`);
    await chmod(script, 0o755);
    vi.stubEnv('HINDSIGHT_FFMPEG', script);
    expect((await passEveryFrame())[0]).toBe(option);
  });
});
