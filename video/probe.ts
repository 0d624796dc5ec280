import { cutOffContainer, notAVideo, readHead } from './file-kind.js';
import { ffprobe, type ProbeReport, type ProbeStream } from './ffprobe.js';
import { VideoReject } from './reject.js';
import type { RunOptions } from './run-ffmpeg.js';

/** What a container says about its video, checked for plausibility but not by decoding. */
export interface ProbedVideo {
  /** ffprobe's name of the format, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  readonly codec: string;
  /** Display size in pixels: after rotation and with square pixels. */
  readonly width: number;
  readonly height: number;
  /** Clockwise degrees by which a player turns the stored picture: 0, 90, 180 or 270. */
  readonly rotation: number;
  /** Average frames per second; null where the container does not say. */
  readonly fps: number | null;
  /** Frames that the header promises; null where it promises none. */
  readonly frames: number | null;
  /** Packets of the video that are really in the file: mostly, but not always, one per frame. */
  readonly packets: number;
  /** Length of the video stream; null where the container does not say, or says something impossible. */
  readonly durationSeconds: number | null;
  /** Time stamp of the first frame. Frame times count from the file's own first time stamp, as players do. */
  readonly startTime: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Demuxers of single pictures: `image2`, `png_pipe`, `jpeg_pipe`, ... */
const stillImage = /^image2$|_pipe$/;

/** The stream to watch: the first video that is not a cover picture, as ffmpeg's own specifier `V` picks it. */
function videoStream(report: ProbeReport): ProbeStream {
  const isCover = (s: ProbeStream): boolean => s.disposition?.attached_pic === 1;
  const videos = report.streams.filter((s) => s.codec_type === 'video');
  const chosen = videos.find((s) => !isCover(s));
  if (chosen !== undefined) return chosen;
  const others = [
    ...new Set(report.streams.map((s) => (isCover(s) ? 'cover picture' : (s.codec_type ?? 'data')))),
  ];
  throw new VideoReject(
    'no-video-stream',
    others.length === 0
      ? 'the file holds no streams at all'
      : `the file holds no video, only: ${others.join(', ')}`,
  );
}

/** Clockwise quarter turns from the display matrix, whose angle counts counter-clockwise. */
function clockwiseRotation(stream: ProbeStream): number {
  const angle = stream.side_data_list?.find((d) => d.rotation !== undefined)?.rotation ?? 0;
  return (((Math.round(-angle / 90) * 90) % 360) + 360) % 360;
}

/** Width over height of one stored pixel; 1 where nothing usable is said. */
function pixelAspect(stream: ProbeStream): number {
  const [over, under] = (stream.sample_aspect_ratio ?? '').split(':').map(Number);
  const aspect = over! / under!;
  return Number.isFinite(aspect) && aspect > 0 ? aspect : 1;
}

/** Seconds of `00:00:29.760000000`, the form of Matroska's per-stream tag. */
function tagSeconds(tag: string | undefined): number | null {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(tag ?? '');
  return match === null ? null : Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

/**
 * Length of the stream. The format's own length is the last resort, since it counts from zero (a clip that starts at
 * 100 s "lasts" 108 s) and covers the other streams. A length that leaves less than a byte for each frame is a jump
 * of the time stamps, not a length.
 */
function plausibleDuration(
  stream: ProbeStream,
  report: ProbeReport,
  fps: number | null,
  bytes: number,
): number | null {
  const seconds =
    positive(stream.duration) ??
    positive(tagSeconds(stream.tags?.DURATION)) ??
    positive(report.format.duration);
  return seconds !== null && seconds * (fps ?? 1) <= bytes ? seconds : null;
}

/**
 * Reads what a file says about its video: one ffprobe process that also counts the packets, no decoding. Throws a
 * {@link VideoReject} if it can hold no usable video. The default time limit is a minute.
 */
export async function probeVideo(path: string, options: RunOptions = {}): Promise<ProbedVideo> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const file = await readHead(path);
  const wrongKind = notAVideo(file);
  if (wrongKind !== null) throw wrongKind;

  const probe = await ffprobe(path, { ...options, timeoutMs });
  if (probe.outcome === 'timeout') {
    throw new VideoReject('timeout', `ffprobe had not read the file after ${timeoutMs / 1000} s`);
  }
  if (probe.outcome === 'failed') {
    throw (
      cutOffContainer(file) ??
      new VideoReject('not-a-video', 'no known video format', {
        fields: { ffprobe: probe.stderr.slice(-500) },
      })
    );
  }

  const { report } = probe;
  if (stillImage.test(report.format.format_name)) {
    throw new VideoReject(
      'not-a-video',
      `a single image (${report.format.format_name.replace('_pipe', '')}), not a video`,
    );
  }
  const stream = videoStream(report);
  const { codec_name: codec, width, height } = stream;
  if (codec === undefined || codec === 'none' || codec === 'unknown') {
    throw new VideoReject('undecodable', 'the codec of the video is unknown to this ffmpeg');
  }
  const packets = stream.nb_read_packets ?? 0;
  if (packets === 0)
    throw new VideoReject('truncated', 'the file has the header of a video, but not one frame of it');
  if (!width || !height) throw new VideoReject('undecodable', `the ${codec} video has no picture size`);

  const rotation = clockwiseRotation(stream);
  const shown = Math.max(1, Math.round(width * pixelAspect(stream)));
  const sideways = rotation === 90 || rotation === 270;
  const fps = stream.avg_frame_rate ?? stream.r_frame_rate;
  return {
    container: report.format.format_name,
    codec,
    width: sideways ? height : shown,
    height: sideways ? shown : height,
    rotation,
    fps,
    frames: positive(stream.nb_frames),
    packets,
    durationSeconds: plausibleDuration(stream, report, fps, file.bytes),
    startTime: stream.start_time ?? report.format.start_time ?? 0,
  };
}
