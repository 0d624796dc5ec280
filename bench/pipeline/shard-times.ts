import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { StageRef, StageRequest } from '../../activities/contract.js';
import { blobPath } from '../../artifacts/blobs.js';
import { readPayload } from '../../cli/payloads.js';
import { TerminalError } from '../../core/errors.js';
import { bucketName } from '../../stack/endpoints.js';
import type { Home } from '../../stack/home.js';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** A finished activity in a workflow's history; times in milliseconds since 1970. */
export interface ActivitySpan {
  readonly name: string;
  readonly input: Payload;
  readonly result: Payload;
  readonly scheduledAt: number;
  /** When the workflow had taken note of its end and done what follows from it. */
  readonly notedAt: number;
}

/** A shard on its way through a worker, in seconds. */
export interface ShardTime {
  readonly stage: string;
  /** From the moment it was scheduled until the workflow had taken note of its end. */
  readonly whole: number;
  /** From the note of what it uses, in the store just before its work, to its first output in the store just after. */
  readonly work: number;
}

/** The finished activities of a history, in the order in which they ended. */
export function activitySpans(events: readonly HistoryEvent[]): ActivitySpan[] {
  const scheduled = new Map<string, HistoryEvent>();
  const spans: ActivitySpan[] = [];
  events.forEach((event, index) => {
    if (event.activityTaskScheduledEventAttributes != null) scheduled.set(String(event.eventId), event);
    const ended = event.activityTaskCompletedEventAttributes;
    const noted = events.slice(index).find((later) => later.workflowTaskCompletedEventAttributes != null);
    const start = scheduled.get(String(ended?.scheduledEventId));
    const { activityType, input } = start?.activityTaskScheduledEventAttributes ?? {};
    const [argument, result] = [input?.payloads?.[0], ended?.result?.payloads?.[0]];
    if (start === undefined || noted === undefined || argument === undefined || result === undefined) return;
    const times = { scheduledAt: millis(start.eventTime), notedAt: millis(noted.eventTime) };
    spans.push({ name: activityType?.name ?? '?', input: argument, result, ...times });
  });
  return spans;
}

/** The shards that a phase of a run worked on; TerminalError `bench.failed` when one of them was not worked on now. */
export async function shardTimes(client: Client, home: Home, workflowId: string): Promise<ShardTime[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const times: ShardTime[] = [];
  for (const span of activitySpans(events ?? [])) {
    const request = await readPayload<Partial<StageRequest>>(client, span.input);
    if (request.shard == null) continue;
    const { stage, key, outputs } = await readPayload<StageRef>(client, span.result);
    const written = async (...name: string[]): Promise<number> =>
      (await stat(join(home.s3, bucketName, ...name))).mtimeMs;
    const begun = await written('runs', request.runId!, 'refs', `${stage}-${key}.json`);
    const blobs = Object.values(outputs).map((digest) => written('blobs', 'sha256', blobPath(digest)));
    const ended = Math.min(...(await Promise.all(blobs)));
    if (!(begun >= span.scheduledAt && ended >= begun && span.notedAt >= ended))
      throw new TerminalError('bench.failed', `a shard of ${stage} was in the store before it was worked on`);
    times.push({ stage, whole: (span.notedAt - span.scheduledAt) / 1000, work: (ended - begun) / 1000 });
  }
  return times;
}

function millis(time: HistoryEvent['eventTime']): number {
  return Number(time?.seconds ?? 0) * 1000 + Number(time?.nanos ?? 0) / 1e6;
}
