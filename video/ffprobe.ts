import { execa } from 'execa';
import { z } from 'zod';
import { RetryableError, TerminalError } from '../core/errors.js';
import { fileUrl, type RunOptions } from './run-ffmpeg.js';
import { ffprobePath } from './tools.js';

/** ffprobe writes numbers as text, and `N/A` or nothing where it does not know. */
const numeric = z
  .union([z.string(), z.number()])
  .optional()
  .transform((value) => {
    const number = Number(value);
    return value === undefined || !Number.isFinite(number) ? null : number;
  });

/** A rate such as `25/2`; null for `0/0`. */
const rate = z
  .string()
  .optional()
  .transform((value) => {
    const [over, under] = (value ?? '').split('/').map(Number);
    const quotient = over! / under!;
    return Number.isFinite(quotient) && quotient > 0 ? quotient : null;
  });

const Stream = z.object({
  index: z.int(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  width: z.int().optional(),
  height: z.int().optional(),
  sample_aspect_ratio: z.string().optional(),
  avg_frame_rate: rate,
  r_frame_rate: rate,
  start_time: numeric,
  duration: numeric,
  nb_frames: numeric,
  nb_read_packets: numeric,
  disposition: z.object({ attached_pic: z.int().optional() }).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
});

const Report = z.object({
  streams: z.array(Stream).default([]),
  format: z.object({
    format_name: z.string(),
    start_time: numeric,
    duration: numeric,
  }),
});
export type ProbeStream = z.infer<typeof Stream>;
export type ProbeReport = z.infer<typeof Report>;

export type ProbeOutcome =
  | { readonly outcome: 'ended'; readonly report: ProbeReport }
  | { readonly outcome: 'failed'; readonly stderr: string }
  | { readonly outcome: 'timeout'; readonly stderr: string };

const ENTRIES = [
  'stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,r_frame_rate,start_time,duration,nb_frames,nb_read_packets',
  'stream_disposition=attached_pic',
  'stream_tags=DURATION',
  'stream_side_data=rotation',
  'format=format_name,start_time,duration',
].join(':');

/**
 * What ffprobe knows about a file, packets counted. By execa rather than by fluent-ffmpeg, whose ffprobe can neither be
 * stopped nor given a time limit. Opens local files only, whatever a playlist inside may name.
 */
export async function ffprobe(path: string, { timeoutMs, signal }: RunOptions = {}): Promise<ProbeOutcome> {
  signal?.throwIfAborted();
  const result = await execa(
    ffprobePath(),
    [
      ...['-v', 'error', '-protocol_whitelist', 'file', '-count_packets'],
      ...['-show_entries', ENTRIES, '-of', 'json', fileUrl(path)],
    ],
    {
      reject: false,
      stdin: 'ignore',
      stripFinalNewline: false,
      killSignal: 'SIGKILL',
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  );
  signal?.throwIfAborted();
  if (result.timedOut) return { outcome: 'timeout', stderr: result.stderr };
  if (result.code === 'ENOENT' || result.code === 'EACCES') {
    throw new TerminalError('video.no-ffprobe', `there is no ffprobe at ${ffprobePath()}`, {
      fix: 'npm run setup, or set HINDSIGHT_FFPROBE to its path',
      cause: result.cause,
    });
  }
  // Killed by somebody else, or never started.
  if (result.exitCode === undefined) {
    throw new RetryableError(
      'video.ffprobe-interrupted',
      `ffprobe was interrupted: ${result.shortMessage ?? ''}`,
    );
  }
  if (result.failed) return { outcome: 'failed', stderr: result.stderr };
  return { outcome: 'ended', report: Report.parse(JSON.parse(result.stdout)) };
}
