import type { Stage, StageContext } from '../../../activities/stage.js';
import type { ActivityInterface } from '../../../activities/index.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CallTimes } from '../../../bench/pipeline/call-times.js';
import { shardOverhead, storeOverhead } from '../../../bench/pipeline/overhead.js';
import { RememberedAnswers } from '../../../bench/pipeline/remembered-answers.js';
import { activitySpans } from '../../../bench/pipeline/shard-times.js';

const shard = { split: 'sft', index: 0, size: 32 };

describe('times of calls', () => {
  it('tell the stage’s own work from the rest of its activity, and calls at once apart', async () => {
    const times = new CallTimes();
    const stage = times.stage({
      name: 'frames',
      run: async ({ key }: StageContext) => {
        await sleep(key === 'long' ? 120 : 20);
        return { outputs: {} };
      },
    } as unknown as Stage);
    const frames = async ({ key }: { key: string }): Promise<void> => {
      await sleep(40);
      await stage.run({ key } as StageContext);
    };
    const activities = times.activities({ frames } as unknown as ActivityInterface) as unknown as {
      frames(argument: unknown): Promise<void>;
    };
    await Promise.all([
      activities.frames({ key: 'long', shard }),
      activities.frames({ key: 'short', shard: null }),
    ]);
    const [short, long] = times.calls;
    expect([short!.kind, long!.kind]).toEqual(['whole stage', 'shard']);
    expect(long!.work).toBeGreaterThan(0.11);
    expect(short!.work).toBeLessThan(0.1);
    for (const call of times.calls) expect(call.seconds - call.work).toBeGreaterThan(0.03);
  });

  it('know what a call is for, and count one that fails', async () => {
    const times = new CallTimes();
    const nothing = (): Promise<null> => Promise.resolve(null);
    const fails = (): Promise<null> => Promise.reject(new Error('no'));
    const of = { lookup: nothing, recordRun: nothing, listVideos: nothing, grpo: fails };
    const activities = times.activities(of as unknown as ActivityInterface) as unknown as Record<
      keyof typeof of,
      (argument: unknown) => Promise<unknown>
    >;
    await activities.lookup({ stage: 'sft', request: { shard: null } });
    await activities.recordRun({});
    await activities.listVideos({});
    await expect(activities.grpo({ shard: null })).rejects.toThrow('no');
    expect(times.calls.map(({ kind }) => kind)).toEqual(['lookup', "run's record", 'listing', 'whole stage']);
  });
});

describe('remembered answers', () => {
  const calls: string[] = [];
  const sft = (argument: { readonly key: string }): Promise<string> => {
    calls.push(argument.key);
    return Promise.resolve(`trained ${argument.key}`);
  };
  const recordRun = (): Promise<void> => Promise.resolve();
  type Calls = Record<'sft' | 'recordRun', (argument: unknown) => Promise<unknown>>;

  it('are given without calling again, and only to the same call', async () => {
    const answers = new RememberedAnswers({ sft, recordRun } as unknown as ActivityInterface);
    const remembering = answers.remembering as unknown as Calls;
    const giving = answers.giving as unknown as Calls;
    await remembering.sft({ key: 'a', inputs: { x: 1, y: 2 } });
    await remembering.recordRun({ updatedAt: 'then' });
    expect(await giving.sft({ inputs: { y: 2, x: 1 }, key: 'a' })).toBe('trained a');
    // A record has the time of its run.
    expect(await giving.recordRun({ updatedAt: 'now' })).toBeUndefined();
    expect(calls).toEqual(['a']);
    await expect(giving.sft({ key: 'b' })).rejects.toMatchObject({ code: 'bench.failed' });
    expect(answers.given).toBe(3);
  });
});

describe('what is added', () => {
  it('by the store is what is left without the work, of calls of one kind together', () => {
    expect(
      storeOverhead([
        { kind: 'shard', seconds: 3, work: 2.5 },
        { kind: 'lookup', seconds: 0.25, work: 0 },
        { kind: 'shard', seconds: 2, work: 1 },
        { kind: 'listing', seconds: 9, work: 0 },
      ]),
    ).toEqual([
      { kind: 'shard', calls: 2, seconds: { median: 0.75, min: 0.5, max: 1 } },
      { kind: 'lookup', calls: 1, seconds: { median: 0.25, min: 0.25, max: 0.25 } },
    ]);
  });

  it('to shards is taken shard by shard', () => {
    const of = (stage: string, whole: number, work: number) => ({ stage, whole, work });
    expect(shardOverhead([of('frames', 10, 8), of('probe', 2, 1.5), of('frames', 5, 4)])).toEqual([
      {
        stage: 'frames',
        shards: 2,
        whole: { median: 7.5, min: 5, max: 10 },
        work: { median: 6, min: 4, max: 8 },
        added: { median: 1.5, min: 1, max: 2 },
      },
      {
        stage: 'probe',
        shards: 1,
        whole: { median: 2, min: 2, max: 2 },
        work: { median: 1.5, min: 1.5, max: 1.5 },
        added: { median: 0.5, min: 0.5, max: 0.5 },
      },
    ]);
  });
});

describe('activities in a history', () => {
  const payloads = (text: string) => ({ payloads: [{ data: Buffer.from(text) }] });
  const at = (seconds: number) => ({ seconds: seconds as never, nanos: 500_000_000 });
  const scheduled = (eventId: number, seconds: number, name: string) => ({
    eventId: eventId as never,
    eventTime: at(seconds),
    activityTaskScheduledEventAttributes: { activityType: { name }, input: payloads(`in ${eventId}`) },
  });
  const completed = (scheduledEventId: number, seconds: number) => ({
    eventTime: at(seconds),
    activityTaskCompletedEventAttributes: {
      scheduledEventId: scheduledEventId as never,
      result: payloads(`out ${scheduledEventId}`),
    },
  });
  const noted = (seconds: number) => ({
    eventTime: at(seconds),
    workflowTaskCompletedEventAttributes: {},
  });

  it('go from being scheduled to being noted by the workflow, several in one task', () => {
    const spans = activitySpans([
      noted(1),
      scheduled(5, 1, 'frames'),
      scheduled(6, 1, 'frames'),
      scheduled(7, 1, 'captions'),
      completed(6, 4),
      completed(5, 5),
      noted(6),
      noted(9),
    ]);
    expect(
      spans.map(({ name, scheduledAt, notedAt, input }) => [
        name,
        scheduledAt,
        notedAt,
        Buffer.from(input.data!).toString(),
      ]),
    ).toEqual([
      ['frames', 1500, 6500, 'in 6'],
      ['frames', 1500, 6500, 'in 5'],
    ]);
  });

  it('are left out while the workflow has not noted their end', () => {
    expect(activitySpans([scheduled(5, 1, 'frames'), completed(5, 2)])).toEqual([]);
  });
});
