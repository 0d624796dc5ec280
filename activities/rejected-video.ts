import type { SampleOutcome } from '../artifacts/sample-outcomes.js';
import { TerminalError } from '../core/errors.js';
import { VideoReject, type RejectReason } from '../video/reject.js';

/** What lies in the place, not in the bytes that a video is named by: no result under a key may say it. */
const ofThePlace: ReadonlySet<RejectReason> = new Set(['missing-file', 'unreadable-file']);

/**
 * The outcome of a sample whose video cannot be used. Anything else is thrown on; a video that was there when the run
 * listed it and is not now is a TerminalError `video.gone`, so that the run waits for it.
 */
export function rejectedVideo(error: unknown, path: string): SampleOutcome {
  if (!(error instanceof VideoReject)) throw error;
  if (ofThePlace.has(error.reason)) {
    throw new TerminalError(
      'video.gone',
      `${path} was there when the run listed its videos: ${error.message}`,
      {
        cause: error,
        fields: { path, reason: error.reason },
        fix: 'put it back, then `hindsight resume RUN`',
      },
    );
  }
  return { outcome: 'rejected', reason: error.reason, message: error.message };
}
