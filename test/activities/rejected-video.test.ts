import { expect, test } from 'vitest';
import { rejectedVideo } from '../../activities/rejected-video.js';
import { RetryableError } from '../../core/errors.js';
import { rejectReasons, VideoReject } from '../../video/reject.js';

const ofThePlace = ['missing-file', 'unreadable-file'];

test.each(rejectReasons.filter((reason) => !ofThePlace.includes(reason)))('%s is an outcome', (reason) => {
  expect(rejectedVideo(new VideoReject(reason, 'why'), '/v.mp4')).toEqual({
    outcome: 'rejected',
    reason,
    message: 'why',
  });
});

test.each(ofThePlace)('%s is none: the bytes that the key names are not at fault', (reason) => {
  expect(() => rejectedVideo(new VideoReject(reason as 'missing-file', 'why'), '/v.mp4')).toThrow(
    expect.objectContaining({ code: 'video.gone', retryable: false, fields: { path: '/v.mp4', reason } }),
  );
});

test('an error of another kind is thrown on', () => {
  const error = new RetryableError('video.read-failed', 'reading failed');
  expect(() => rejectedVideo(error, '/v.mp4')).toThrow(error);
});
