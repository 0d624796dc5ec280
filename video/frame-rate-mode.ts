import { execa } from 'execa';
import { ffmpegPath } from './tools.js';

const known = new Map<string, Promise<readonly string[]>>();

async function ask(ffmpeg: string): Promise<readonly string[]> {
  const { stdout } = await execa(ffmpeg, ['-version'], { reject: false, stdin: 'ignore' });
  const [, major, minor] = /^ffmpeg version n?(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  // A version without a number is a build of the newest sources.
  const old = major !== undefined && (Number(major) < 5 || (Number(major) === 5 && Number(minor) < 1));
  return old ? ['-vsync', '0'] : ['-fps_mode', 'passthrough'];
}

/**
 * The output option that hands every decoded frame on exactly once, whatever its time stamp: `-fps_mode`, or `-vsync`
 * before ffmpeg 5.1. Asked of each ffmpeg once.
 */
export async function passEveryFrame(): Promise<readonly string[]> {
  const ffmpeg = ffmpegPath();
  const mode = known.get(ffmpeg) ?? ask(ffmpeg);
  known.set(ffmpeg, mode);
  return mode;
}
