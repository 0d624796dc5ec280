import { judgeDecoded, type Decoded } from './decoded.js';
import { decodeEveryFrame, runDecoder } from './decoder.js';
import { probeVideo, type ProbedVideo } from './probe.js';
import { VideoReject } from './reject.js';
import type { RunOptions } from './run-ffmpeg.js';

/** A probed video whose length is known. */
export interface MeasuredVideo extends ProbedVideo {
  /** Frames that can be decoded. */
  readonly frames: number;
  readonly durationSeconds: number;
  /** Average over the whole video: frames / durationSeconds, or the container's own figure where they agree. */
  readonly fps: number;
}

/** Decodes the whole video, keeps nothing, and counts. */
export async function countFrames(path: string, options: RunOptions = {}): Promise<Decoded> {
  return runDecoder(await decodeEveryFrame(path), options);
}

/** Two figures for the same rate, the container's preferred: time stamps in milliseconds make 30.006 of 30. */
function settleRate(said: number | null, frames: number, seconds: number): number {
  const average = seconds > 0 ? frames / seconds : (said ?? 1);
  return said !== null && Math.abs(average - said) <= 0.01 * said ? said : average;
}

/**
 * Probes a video and settles how many frames it has. A header is believed if it promises as many frames as there are
 * packets; else (no promise, an impossible length, or packets missing) the video is decoded and counted. Throws a
 * {@link VideoReject}; with fewer than `minFrames` frames (default 2) the reason is `too-short`.
 */
export async function measureVideo(
  path: string,
  options: RunOptions & { readonly minFrames?: number } = {},
): Promise<MeasuredVideo> {
  const minFrames = options.minFrames ?? 2;
  const probed = await probeVideo(path, options);
  const believed = probed.frames !== null && probed.frames === probed.packets && probed.fps !== null;
  let measured: MeasuredVideo;
  if (believed) {
    const fps = probed.fps;
    const frames = probed.frames;
    measured = { ...probed, frames, fps, durationSeconds: probed.durationSeconds ?? frames / fps };
  } else {
    const decoded = await countFrames(path, options);
    const reject = judgeDecoded(probed, decoded);
    if (reject !== null) throw reject;
    const fps = settleRate(probed.fps, decoded.frames, decoded.seconds);
    const durationSeconds = decoded.seconds > 0 ? decoded.seconds : decoded.frames / fps;
    measured = { ...probed, frames: decoded.frames, fps, durationSeconds };
  }
  if (measured.frames < minFrames) {
    const has = measured.frames === 1 ? 'a single frame' : `only ${measured.frames} frames`;
    throw new VideoReject('too-short', `the video has ${has}, at least ${minFrames} are needed`);
  }
  return measured;
}
