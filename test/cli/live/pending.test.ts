import {
  Client,
  Connection,
  defaultPayloadConverter,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { readPending } from '../../../cli/live/pending.js';

type Raw = WorkflowExecutionDescription['raw'];
type Activity = NonNullable<Raw['pendingActivities']>[number];

const now = Date.parse('2026-03-01T10:00:00Z');
const at = (seconds: number) =>
  ({ seconds: now / 1000 + seconds, nanos: 0 }) as unknown as NonNullable<Activity['scheduledTime']>;
const waits = 1;
const works = 2;

const activity = (name: string, given: object): Activity => ({
  activityType: { name },
  attempt: 1,
  ...given,
});
const on = (name: string) => ({ activityOptions: { taskQueue: { name } } });
const client = new Client({ connection: Connection.lazy() });
const read = (...pendingActivities: Activity[]) => readPending({ pendingActivities }, now, client);

describe('queues', () => {
  test('are waited for after a moment; where the server names none, nothing is said', async () => {
    const { waiting, served } = await read(
      activity('captions', { state: waits, scheduledTime: at(-60), ...on('llm') }),
      activity('sft', { state: waits, scheduledTime: at(-60) }),
      activity('lookup', { state: waits, scheduledTime: at(-1), ...on('control') }),
      activity('frames', { state: works, scheduledTime: at(-60), ...on('media') }),
    );
    expect([...waiting]).toEqual([['llm', 'captions']]);
    expect([...served]).toEqual(['media']);
  });

  test('are not waited for by what is to be tried again later', async () => {
    const failed = { attempt: 3, lastFailure: { message: 'no' } };
    const { waiting } = await read(
      activity('sft', { state: waits, ...failed, ...on('gpu'), nextAttemptScheduleTime: at(5) }),
    );
    expect(waiting.size).toBe(0);
  });
});

test('what is tried again is named with attempt, next try and last failure, once a stage', async () => {
  const failing = (attempt: number, seconds: number) =>
    activity('frames', {
      state: waits,
      attempt,
      nextAttemptScheduleTime: at(seconds),
      lastFailure: { message: `ffmpeg, try ${attempt - 1}` },
    });
  const { problems } = await read(failing(2, 1), failing(4, 7.5), failing(3, 3));
  expect(problems).toEqual([
    {
      kind: 'activity-retrying',
      subject: 'frames',
      message: 'attempt 4 of frames (and 2 more shards), next try in 8 s; the last one ended: ffmpeg, try 3',
      fix: null,
    },
  ]);
});

test('heartbeats tell of silence and of a full disk elsewhere; one of an older build tells less', async () => {
  const said = (details: object) => ({
    state: works,
    heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(details)] },
  });
  const { problems } = await read(
    activity(
      'sft',
      said({
        quiet: { seconds: 240, usualSeconds: 0.5, limitSeconds: 600 },
        lowDisk: { host: 'gpu-7', folder: '/data', freeBytes: 1e9, limitBytes: 2e9 },
      }),
    ),
    activity('grpo', said({ stage: 'grpo', progress: null })),
  );
  expect(problems.map(({ message }) => message)).toEqual([
    'sft: no progress for 4 min 00 s, usually 0.5 s a step; after 10 min 00 s it is ended and tried again',
    'the disk of /data on gpu-7 is nearly full: 1.0 GB free, less than 2.0 GB',
  ]);
});
