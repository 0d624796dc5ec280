/** The ffmpeg to run: HINDSIGHT_FFMPEG, else the one on PATH. Set-up writes the variable where it installed its own. */
export function ffmpegPath(): string {
  return process.env.HINDSIGHT_FFMPEG ?? 'ffmpeg';
}

/** The ffprobe to run: HINDSIGHT_FFPROBE, else the one on PATH. */
export function ffprobePath(): string {
  return process.env.HINDSIGHT_FFPROBE ?? 'ffprobe';
}
